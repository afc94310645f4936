import type { Encryption } from '../backup/age.ts';
import { type Encoding, encode } from '../backup/codec.ts';
import { type Compression, formatManifest, type Manifest } from '../backup/manifest.ts';
import { backupName, manifestName } from '../backup/names.ts';
import {
  type BackupGuarantee,
  digesting,
  proveSnapshot,
  proveStored,
  type VerifiedBackup,
} from '../backup/proof.ts';
import type { Config } from '../config/config.ts';
import { boundedBy } from '../storage/bounded.ts';
import type { PendingFile, Store } from '../storage/store.ts';
import { Failure, isBug, messageOf } from '../errors.ts';
import { countKeys } from '../etcd/client/keys.ts';
import { status } from '../etcd/client/status.ts';
import type { Connection } from '../etcd/client/connection.ts';
import type { ClusterClient } from '../etcd/cluster/discover.ts';
import { accessDenied, EtcdError } from '../etcd/errors.ts';
import { openSnapshot, type SnapshotStream } from '../etcd/snapshot/snapshot.ts';
import { type ClusterStatus, type HashKV, label, type Member } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import { quotaFor } from '../plan/members.ts';
import type { Plan } from '../plan/plan.ts';
import type { StepEnd } from '../plan/steps.ts';
import { megabytesPerSecond } from '../util/format.ts';
import { progress } from '../util/progress.ts';

/** What is kept free beyond the announced size: the manifest, the file system's own needs, growth meanwhile. */
const HEADROOM = 1.15;
/** Node's timers cannot do without a bound on counting keys either; it reads the index alone. */
const COUNT_TIMEOUT_MS = 60_000;

export interface BackupTask {
  connection: Connection;
  member: Member;
  store: Store;
  cluster: { name: string; id: string };
  compression: Compression;
  /** age public keys; empty: not encrypted */
  recipients: readonly string[];
  timeoutMs: number;
  hashKV?: HashKV;
  /** of the member, where it has one */
  quotaBytes?: number;
  /** what was wrong with the cluster */
  problems: readonly string[];
  node?: string;
  version: string;
  log: Log;
  signal: AbortSignal;
}

export interface BackupResult {
  backup: VerifiedBackup;
  /** seconds from the first byte to the durable file; reading it back comes after that */
  streamSeconds: number;
  readBackSeconds: number;
}

/**
 * Streams the member's snapshot into the store, reads it back, and only then gives it its name and its manifest.
 * @throws Failure `backup` with nothing of it left behind; `configuration` when etcd refuses the right
 */
export async function backUp(task: BackupTask): Promise<BackupResult> {
  const timeout = AbortSignal.timeout(task.timeoutMs);
  const signal = AbortSignal.any([task.signal, timeout]);
  try {
    return await takeBackup({ ...task, signal });
  } catch (error) {
    task.signal.throwIfAborted();
    if (isBug(error)) throw error;
    if (timeout.aborted)
      throw failure(task, `it took longer than BACKUP_TIMEOUT (${task.timeoutMs / 1000} s)`);
    if (error instanceof EtcdError && error.code === 'access')
      throw accessDenied(task.connection.endpoint, error);
    if (error instanceof Failure && error.kind !== 'backup') throw error;
    throw failure(task, messageOf(error), error);
  }
}

function failure({ member, store }: BackupTask, why: string, cause?: unknown): Failure {
  return new Failure(
    'backup',
    `the backup of ${label(member)} to ${store.location} failed: ${why}. Nothing was changed in the cluster`,
    { cause },
  );
}

async function takeBackup(task: BackupTask): Promise<BackupResult> {
  const { connection, store, compression, recipients, signal } = task;
  // Before anything else: what dead runs left behind may be what fills the disk.
  await removeLeftovers(task);
  await store.prepare(signal);
  const startedAt = new Date();
  // Status and count first, the snapshot after them: every write up to their revision is then in the snapshot.
  const before = await status(connection);
  if (before.memberId !== task.member.id) {
    throw new EtcdError('other-member', `another member now answers at ${connection.endpoint}`);
  }
  const { keys, revision } = await countKeys(connection, COUNT_TIMEOUT_MS);
  const encryption = await encryptionFor(recipients);
  const encrypted = encryption !== undefined;
  const name = backupName({ at: startedAt, revision, compression, encrypted });
  const began = performance.now();
  const snapshot = await openSnapshot(connection, task.member.id, signal);
  let pending: PendingFile | undefined;
  try {
    await checkSpace(store, snapshot.announcedBytes);
    pending = await store.create(name, signal);
    const { raw, stored } = await write(task, { compression, seal: encryption?.seal }, snapshot, pending);
    await pending.flush();
    const streamed = performance.now();
    task.log.info(
      { backup: name, bytes: raw.size, storedBytes: stored.size },
      'backup written, reading it back',
    );
    const proof = await proveStored(pending, { compression, open: encryption?.open, raw, stored }, signal);
    const proved = performance.now();
    const manifest: Manifest = {
      format: 1,
      name,
      cluster: task.cluster,
      member: { id: task.member.id, name: task.member.name },
      etcdVersion: before.version,
      revision,
      raftTerm: before.raftTerm,
      raftAppliedIndex: before.raftAppliedIndex,
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      raw,
      stored,
      compression,
      encryption: { recipients: [...recipients] },
      keys,
      database: {
        inUse: before.dbSizeInUse,
        ...(task.quotaBytes !== undefined && { quota: task.quotaBytes }),
      },
      ...(task.hashKV && { hashKV: task.hashKV }),
      ...(task.node !== undefined && { node: task.node }),
      problems: [...task.problems],
      createdBy: { name: 'etcd-upkeep', version: task.version },
    };
    signal.throwIfAborted();
    await pending.publish();
    await store.writeText(manifestName(name), formatManifest(manifest), signal);
    return {
      backup: { kind: 'verified', proof, manifest },
      streamSeconds: (streamed - began) / 1000,
      readBackSeconds: (proved - streamed) / 1000,
    };
  } catch (error) {
    await discard(task, pending);
    throw error;
  } finally {
    snapshot.close();
  }
}

/** No run can still be writing a file that is older than a backup may take. */
async function removeLeftovers({ store, timeoutMs, log, signal }: BackupTask): Promise<void> {
  try {
    const files = await boundedBy(signal, store).removeLeftovers(timeoutMs);
    for (const file of files) log.info({ file }, 'temporary file of a dead run deleted');
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ reason: messageOf(error) }, 'temporary files of dead runs not deleted');
  }
}

/** Loaded only when used: age's libraries take about as long to load as all the rest of this program. */
async function encryptionFor(recipients: readonly string[]): Promise<Encryption | undefined> {
  if (recipients.length === 0) return undefined;
  const { encryptFor } = await import('../backup/age.ts');
  return encryptFor(recipients);
}

/** The failure that led here is the one to tell; this one only leaves a temporary file for a later run to remove. */
async function discard({ log }: BackupTask, pending: PendingFile | undefined): Promise<void> {
  try {
    await pending?.discard();
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'temporary file not removed, a later run will');
  }
}

async function checkSpace(store: Store, announcedBytes: number): Promise<void> {
  const free = await store.freeBytes();
  const needed = Math.ceil(announcedBytes * HEADROOM);
  if (free === undefined || free >= needed) return;
  throw new Failure(
    'backup',
    `${store.location} has ${free} bytes free and the snapshot needs ${needed} (its size and 15 %): make room there, or keep fewer backups (BACKUP_KEEP_LAST)`,
  );
}

async function write(
  { signal, log }: BackupTask,
  encoding: Encoding,
  snapshot: SnapshotStream,
  pending: PendingFile,
) {
  const isPlain = encoding.compression === 'none' && encoding.seal === undefined;
  const proof = proveSnapshot();
  const stored = digesting();
  const tell = progress(snapshot.announcedBytes, (fields) => log.info(fields, 'backup progress'));
  async function* watched(): AsyncGenerator<Buffer, void> {
    for await (const chunk of proof.watch(snapshot.chunks)) {
      tell(chunk.length);
      yield chunk;
    }
  }
  const sink = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    let writing = Promise.resolve();
    for await (const chunk of chunks) {
      if (!isPlain) stored.add(chunk);
      // One chunk is written while the next one comes in; waiting here is also what holds the member back.
      await writing;
      writing = pending.write(chunk);
      writing.catch(() => undefined); // thrown by the await that follows
    }
    await writing;
  };
  await encode(watched(), encoding, sink, signal);
  return { raw: proof.raw(), stored: isPlain ? proof.whole() : stored.digest() };
}

interface BackupInput {
  client: ClusterClient;
  cluster: ClusterStatus;
  clusterName: string;
  config: Pick<Config, 'backup' | 'nodeName' | 'quotaBytes'>;
  plan: Pick<Plan, 'steps' | 'source' | 'problems'>;
  store: Store;
  version: string;
  log: Log;
  signal: AbortSignal;
}

/** What the report says of the backup. */
export interface BackupFacts {
  name: string;
  store: string;
  revision: number;
  rawBytes: number;
  storedBytes: number;
  /** raw bytes of the stream until they were durable */
  megabytesPerSecond: number;
  streamSeconds: number;
  readBackSeconds: number;
}

/**
 * A backup that was read back; or, where the operator said so, none.
 * @throws Failure `backup`, `unreachable` where no member can serve a snapshot, `configuration`
 */
export async function backUpCluster(
  input: BackupInput,
): Promise<StepEnd & { guarantee: BackupGuarantee; facts?: { backup: BackupFacts } }> {
  const { config, plan, store } = input;
  const decision = plan.steps.backup;
  if (!config.backup.enabled)
    return { status: 'skipped', reason: decision.reason, guarantee: { kind: 'skip-confirmed' } };
  if (plan.source === undefined)
    throw new Failure('unreachable', `${decision.reason}; nothing was backed up and nothing was changed`);
  const { member, doubts } = plan.source;
  const result = await backUp(taskOf(input, member));
  return {
    status: 'done',
    reason: [`${result.backup.manifest.name} of ${label(member)}, read back and whole`, ...doubts].join('; '),
    guarantee: result.backup,
    facts: { backup: factsOf(result, store) },
  };
}

function taskOf(input: BackupInput, member: Member): BackupTask {
  const { client, cluster, clusterName, config, plan, store, version, log, signal } = input;
  const connection = client.connections.get(member.id);
  if (connection === undefined)
    throw new Failure(
      'unreachable',
      `${label(member)} is not reachable; nothing was backed up and nothing was changed`,
    );
  const { compression, recipients, timeoutMs } = config.backup;
  const hashKV = 'byMember' in cluster.hashes ? cluster.hashes.byMember[member.id] : undefined;
  const quota = quotaFor(member, cluster, config);
  return {
    connection,
    member,
    store,
    cluster: { name: clusterName, id: client.id },
    compression,
    recipients,
    timeoutMs,
    problems: plan.problems,
    version,
    log,
    signal,
    ...(hashKV && { hashKV }),
    ...(quota.kind !== 'none' && { quotaBytes: quota.bytes }),
    ...(config.nodeName !== undefined && { node: config.nodeName }),
  };
}

function factsOf({ backup, streamSeconds, readBackSeconds }: BackupResult, store: Store): BackupFacts {
  const { name, revision, raw, stored } = backup.manifest;
  return {
    name,
    store: store.location,
    revision,
    rawBytes: raw.size,
    storedBytes: stored.size,
    megabytesPerSecond: megabytesPerSecond(raw.size, streamSeconds * 1000),
    streamSeconds,
    readBackSeconds,
  };
}
