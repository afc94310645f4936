import { createHash, type Hash } from 'node:crypto';
import { headReader, NotADatabase } from '../bolt/file/meta.ts';
import { Failure } from '../errors.ts';
import { bounded } from '../util/bounded.ts';
import { bytesOf, type Chunks, type LentBuffer, observed } from '../util/lent.ts';
import { type Decoding, decode, type Sink } from './codec.ts';
import { type Checksum, checksumming, differenceOf, type Digest, digesting } from './digest.ts';
import type { Manifest } from './manifest.ts';
import type { PendingFile } from '../storage/store.ts';

/** etcd ends a snapshot with the SHA-256 of all before it (etcd's server/etcdserver/api/v3rpc/maintenance.go). */
export const TRAILER_BYTES = 32;
/** bbolt's smallest unit: a whole database file is a multiple of it. */
const SECTOR_BYTES = 512;

/** Not exported: nobody else can write down a `ReadBack`. */
const READ_BACK = Symbol('read back');

/** A backup that was read back from its store and is whole. Only `steps/backup.ts` can make one, from `ReadBack`. */
export interface VerifiedBackup {
  readonly kind: 'verified';
  readonly proof: ReadBack;
  readonly manifest: Manifest;
}

/** The operator's word that there is to be no backup: `BACKUP_ENABLED=false` and `BACKUP_SKIP_CONFIRMED=true`. */
export interface ConfirmedSkip {
  readonly kind: 'skip-confirmed';
}

/** What every change of the cluster asks for first. */
export type BackupGuarantee = VerifiedBackup | ConfirmedSkip;

/** Made by `proveStored` alone: its key is known to nobody else. */
export interface ReadBack {
  readonly [READ_BACK]: true;
}

export interface SnapshotProof {
  /** Passes the snapshot on and watches it; throws at its end when it is not whole. */
  watch(source: Chunks): AsyncGenerator<LentBuffer, void>;
  /** The database file without the trailer; to be asked for when `watch` has ended. */
  raw(): Digest;
  /** The whole stream with its trailer, without hashing it twice. */
  whole(): Digest;
}

/** What a member sent is no whole snapshot of its database. Nothing is wrong with the store, and another member may do. */
export class WrongSnapshot extends Failure {
  constructor(
    problem: string,
    advice = 'it was damaged on its way, or is damaged at the member: look at that member and at the network',
  ) {
    super('backup', `${problem}: ${advice}`);
  }
}

const damagedInStore = (problem: string): Failure =>
  new Failure('backup', `${problem}: it was damaged where it is stored`);

/**
 * Looks at a snapshot while it streams past: whether it is a database file of etcd's as long as its own first pages say,
 * and whether etcd's trailer fits the bytes before it. The trailer is told apart only by the end of the stream, so its
 * length is always held back from the hash.
 */
export function proveSnapshot(
  refusal: (problem: string) => Failure = (problem) => new WrongSnapshot(problem),
): SnapshotProof {
  const head = headReader();
  const hash = createHash('sha256');
  let tail: Buffer = Buffer.alloc(0);
  let size = 0;

  function take(chunk: Buffer): void {
    size += chunk.length;
    if (chunk.length < TRAILER_BYTES) {
      const joined = Buffer.concat([tail, chunk]);
      const cut = Math.max(0, joined.length - TRAILER_BYTES);
      hash.update(joined.subarray(0, cut));
      tail = joined.subarray(cut);
      return;
    }
    const cut = chunk.length - TRAILER_BYTES;
    hash.update(tail);
    hash.update(chunk.subarray(0, cut));
    tail = Buffer.from(chunk.subarray(cut)); // a copy: the chunk is reused
  }

  function look(chunk: Buffer): void {
    try {
      head.take(chunk);
    } catch (error) {
      if (!(error instanceof NotADatabase)) throw error;
      throw refusal(`the snapshot is no database of etcd's: ${error.message}`);
    }
  }

  async function* watch(source: Chunks): AsyncGenerator<LentBuffer, void> {
    for await (const chunk of source) {
      look(bytesOf(chunk));
      take(bytesOf(chunk));
      yield chunk;
    }
    const problem = problemOf(size, hash, tail) ?? lengthProblem(size - TRAILER_BYTES, head.databaseBytes());
    if (problem !== undefined) throw refusal(problem);
  }

  return {
    watch,
    raw: () => ({ size: size - TRAILER_BYTES, sha256: tail.toString('hex') }),
    whole: () => ({ size, sha256: hash.copy().update(tail).digest('hex') }),
  };
}

function problemOf(size: number, hash: Hash, trailer: Buffer): string | undefined {
  if (size <= TRAILER_BYTES || (size - TRAILER_BYTES) % SECTOR_BYTES !== 0) {
    return `the snapshot is not whole (${size} bytes are no database file with its checksum)`;
  }
  if (!hash.copy().digest().equals(trailer)) {
    return "the snapshot does not match etcd's own checksum";
  }
  return undefined;
}

function lengthProblem(size: number, databaseBytes: number | undefined): string | undefined {
  if (size === databaseBytes) return undefined;
  const own = databaseBytes === undefined ? 'ends within its first two pages' : `says ${databaseBytes}`;
  return `the snapshot is not whole (it has ${size} bytes, and its database ${own})`;
}

/** What a backup was when it was written. */
export interface Written {
  raw: Digest;
  /** No digest: what the manifest is to tell of the stored bytes is taken from those that are read back. */
  stored: Checksum;
}

/**
 * Reads the stored file again, decodes it, and compares it with what was written: the database by its SHA-256, which is
 * etcd's own, the stored bytes by their checksum. So the database in the store is the one that the member sent, and
 * where the same could be stored in other bytes (an unused bit of zstd's, say), they are those that were written.
 * `see` must not trust what it is shown before this has resolved.
 * @returns the stored file's digest, and the proof
 * @throws Failure `backup` when anything differs
 */
export async function proveStored(
  pending: PendingFile,
  written: Written & Decoding,
  signal: AbortSignal,
  see: (piece: LentBuffer) => void = () => undefined,
): Promise<{ proof: ReadBack; stored: Digest }> {
  const read = checksumming();
  const source = observed(pending.read(), (piece) => read.add(piece));
  const sink: Sink = (chunks) => drain(observed(chunks, see));
  const { stored, raw } = await digestStored(source, written, { ...written, surplus }, signal, sink);
  compare('the stored file', read.checksum(), written.stored);
  compare('the decoded snapshot', raw, written.raw);
  // The one place where this type is made: everything it stands for was just seen.
  return { proof: { [READ_BACK]: true }, stored };
}

/** The sizes that a stored file and the database in it are to have, and what is thrown when more comes. */
export interface Bounds {
  stored: Pick<Digest, 'size'>;
  raw: Pick<Digest, 'size'>;
  surplus: (what: string, bytes: number) => Error;
}

/**
 * The digests of a stored file and of the snapshot in it, which `sink` may have: it must not trust it before this has
 * resolved. Nothing that goes beyond the bounds is read on, hashed or handed to the sink.
 * @throws Failure `backup` when it cannot be decoded or is no whole snapshot; `bounds.surplus`; else what `source` or the
 * signal threw
 */
export async function digestStored(
  source: Chunks,
  { compression, decrypt }: Decoding,
  bounds: Bounds,
  signal: AbortSignal,
  sink: Sink = drain,
): Promise<{ stored: Digest; raw: Digest }> {
  const isPlain = compression === 'none' && decrypt === undefined;
  const stored = digesting();
  const proof = proveSnapshot(damagedInStore);
  const within = (chunks: Chunks, what: string, bytes: number): Chunks =>
    bounded(chunks, bytes, () => bounds.surplus(what, bytes));
  const file = within(source, 'the stored file', bounds.stored.size);
  // What is stored as it came is hashed once, by the proof.
  const seen = isPlain ? file : observed(file, (piece) => stored.add(piece));
  const decoded = (chunks: Chunks): Chunks =>
    within(chunks, 'the snapshot in it', bounds.raw.size + TRAILER_BYTES);
  await decode(seen, { compression, decrypt }, (chunks) => sink(proof.watch(decoded(chunks))), signal);
  return { stored: isPlain ? proof.whole() : stored.digest(), raw: proof.raw() };
}

/** Takes a stream to its end and does nothing else. */
export async function drain(chunks: Chunks): Promise<void> {
  for await (const _ of chunks);
}

function compare<T extends Digest | Checksum>(what: string, found: T, expected: T): void {
  const difference = differenceOf(found, expected);
  if (difference !== undefined) throw differs(what, difference);
}

const surplus: Bounds['surplus'] = (what, bytes) => differs(what, `more than ${bytes} bytes`);

const differs = (what: string, told: string): Failure =>
  new Failure(
    'backup',
    `${what} reads back differently from what was written (${told}): look for a failing disk or share; this store ` +
      'cannot be trusted',
  );
