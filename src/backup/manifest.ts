import { type Compression, COMPRESSIONS } from '../config/backup.ts';
import { FieldProblem, parseFields, type Fields } from './fields.ts';

const FORMAT = 1;
/**
 * The manifest of a backup, stored beside it as `<name>.json` and written last: a data file without one is not a
 * backup. Sizes are bytes, times RFC 3339 in UTC, hashes SHA-256 in hex.
 */
export interface Manifest {
  format: 1;
  /** The data file's name, without its folder. */
  name: string;
  cluster: { name: string; id: string };
  member: { id: string; name: string };
  etcdVersion: string;
  /** Every write up to this revision is in the snapshot; it may hold a few later ones. */
  revision: number;
  raftTerm: number;
  raftAppliedIndex: number;
  startedAt: string;
  finishedAt: string;
  /** The database file without etcd's 32-byte trailer, and the hash which that trailer holds. */
  raw: { size: number; sha256: string };
  stored: { size: number; sha256: string };
  compression: Compression;
  /**
   * The operator's public keys that the file is encrypted for; empty when it is not encrypted. The one that the run
   * threw away is not among them: nobody can open anything with it.
   */
  encryption: { recipients: string[] };
  /** Keys that existed at `revision`. */
  keys: number;
  /** The member's database at that moment: bytes in use, and its quota where it has one. */
  database?: { inUse: number; quota?: number };
  hashKV?: { hash: number; revision: number; compactRevision: number };
  node?: string;
  /** What was wrong with the cluster when the backup was taken, in words. */
  problems: string[];
  createdBy: { name: 'etcd-upkeep'; version: string };
}

/** How manifests name a cluster. */
export type ClusterIdentity = Manifest['cluster'];

/** What every manifest of format 1 says of its file, whatever a later version may have compressed it with. */
export type ManifestHead = Pick<Manifest, 'name' | 'cluster' | 'stored'>;

/** What was read, or what is wrong with the text (as in "the manifest is broken: ..."). */
export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: string };

/** The text of a manifest file. */
export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Reads a manifest strictly. Fields that it does not know are dropped: later versions may add some. */
export function parseManifest(text: string): Parsed<Manifest> {
  return parsed(() => manifestOf(parseFields(text)));
}

/**
 * Reads what is needed to tell whose a backup is and whether its file has the right size. For listing and retention:
 * a backup that this version cannot decode is a backup all the same.
 */
export function parseManifestHead(text: string): Parsed<ManifestHead> {
  return parsed(() => headOf(parseFields(text)));
}

/** What a listing tells of a backup, and whose it should be; the cluster's ID counts where it is known. */
export interface ExpectedBackup {
  name: string;
  cluster: { name: string; id?: string };
  /** bytes; undefined where the data file is gone */
  storedSize: number | undefined;
}

/** Why a manifest is not that of the backup which it lies beside; undefined when it is. */
export function mismatchOf(
  { name, cluster, stored }: ManifestHead,
  expected: ExpectedBackup,
): string | undefined {
  if (name !== expected.name) return `its manifest is that of ${name}`;
  const { cluster: ours, storedSize } = expected;
  if (cluster.name !== ours.name || (ours.id !== undefined && cluster.id !== ours.id)) {
    const told = ours.id === undefined ? cluster.name : `${cluster.name} (${cluster.id})`;
    return `it is a backup of the cluster ${told}, not of ${ours.name}${ours.id === undefined ? '' : ` (${ours.id})`}`;
  }
  if (storedSize === undefined || storedSize === stored.size) return undefined;
  return `it has ${storedSize} bytes, and its manifest says ${stored.size}: it was cut short or replaced`;
}

function parsed<T>(read: () => T): Parsed<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (!(error instanceof FieldProblem)) throw error;
    return { ok: false, problem: error.message };
  }
}

function headOf(fields: Fields): ManifestHead {
  fields.oneOf('format', [FORMAT]); // another format may give the same names another meaning
  const cluster = fields.object('cluster');
  return {
    name: fields.text('name'),
    cluster: { name: cluster.text('name'), id: cluster.text('id') },
    stored: contentOf(fields.object('stored')),
  };
}

function manifestOf(fields: Fields): Manifest {
  const member = fields.object('member');
  const createdBy = fields.object('createdBy');
  return {
    format: FORMAT,
    ...headOf(fields),
    member: { id: member.text('id'), name: member.text('name') },
    etcdVersion: fields.text('etcdVersion'),
    revision: fields.integer('revision'),
    raftTerm: fields.integer('raftTerm'),
    raftAppliedIndex: fields.integer('raftAppliedIndex'),
    startedAt: fields.time('startedAt'),
    finishedAt: fields.time('finishedAt'),
    raw: contentOf(fields.object('raw')),
    compression: fields.oneOf('compression', COMPRESSIONS),
    encryption: { recipients: fields.object('encryption').texts('recipients') },
    keys: fields.integer('keys'),
    ...(fields.has('database') ? { database: databaseOf(fields.object('database')) } : {}),
    ...(fields.has('hashKV') ? { hashKV: hashOf(fields.object('hashKV')) } : {}),
    ...(fields.has('node') ? { node: fields.text('node') } : {}),
    problems: fields.texts('problems'),
    createdBy: { name: createdBy.oneOf('name', ['etcd-upkeep']), version: createdBy.text('version') },
  };
}

function contentOf(fields: Fields): { size: number; sha256: string } {
  return { size: fields.integer('size'), sha256: fields.sha256('sha256') };
}

function databaseOf(fields: Fields): NonNullable<Manifest['database']> {
  return {
    inUse: fields.integer('inUse'),
    ...(fields.has('quota') ? { quota: fields.integer('quota') } : {}),
  };
}

function hashOf(fields: Fields): NonNullable<Manifest['hashKV']> {
  return {
    hash: fields.integer('hash'),
    revision: fields.integer('revision'),
    compactRevision: fields.integer('compactRevision', -1), // -1: never compacted
  };
}
