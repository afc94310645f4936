import type { Decoding, Encoding } from '../backup/codec.ts';
import { formatManifest, type Manifest } from '../backup/manifest.ts';
import { backupName, isBackupFile, manifestName } from '../backup/names.ts';
import { type BackupGuarantee, type Digest, proveStored, type VerifiedBackup } from '../backup/proof.ts';
import { checkSpace, writeSnapshot } from '../backup/write.ts';
import type { Config } from '../config/config.ts';
import { Failure, isBug, messageOf } from '../errors.ts';
import type { Connection } from '../etcd/client/connection.ts';
import { countKeys } from '../etcd/client/keys.ts';
import { status } from '../etcd/client/status.ts';
import type { ClusterClient } from '../etcd/cluster/discover.ts';
import { accessDenied, EtcdError } from '../etcd/errors.ts';
import { openSnapshot } from '../etcd/snapshot/snapshot.ts';
import { type ClusterStatus, label, type Member, type MemberStatus } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import { quotaFor } from '../plan/members.ts';
import type { Plan } from '../plan/plan.ts';
import type { StepEnd } from '../plan/steps.ts';
import type { PendingFile, Store } from '../storage/store.ts';
import { megabytesPerSecond } from '../util/format.ts';
import { progress } from '../util/progress.ts';

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
  /** from the first byte until the file was durable; reading it back comes after that */
  streamSeconds: number;
  readBackSeconds: number;
}

/** Node's timers cannot do without a bound on counting keys either; it reads the index alone. */
const COUNT_TIMEOUT_MS = 60_000;

const NOTHING_DONE = 'nothing was backed up and nothing was changed';

/**
 * A backup that was read back; or, where the operator said so, none.
 * @throws Failure `backup` with nothing of it left behind, `unreachable` where no member can serve a snapshot,
 *   `configuration` where etcd refuses the right
 */
export async function backUp(
  input: BackupInput,
): Promise<StepEnd & { guarantee: BackupGuarantee; facts?: { backup: BackupFacts } }> {
  const { config, plan, store } = input;
  const { reason } = plan.steps.backup;
  if (!config.backup.enabled) return { status: 'skipped', reason, guarantee: { kind: 'skip-confirmed' } };
  if (plan.source === undefined) throw new Failure('unreachable', `${reason}; ${NOTHING_DONE}`);
  const { member, doubts } = plan.source;
  const { backup, ...times } = await withinTimeout(input, member);
  return {
    status: 'done',
    reason: [`${backup.manifest.name} of ${label(member)}, read back and whole`, ...doubts].join('; '),
    guarantee: backup,
    facts: { backup: factsOf(backup.manifest, times, store) },
  };
}

interface Times {
  streamSeconds: number;
  readBackSeconds: number;
}

/** `signal` is the run's and that of BACKUP_TIMEOUT, which the store obeys too. */
interface Task extends BackupInput {
  member: Member;
  connection: Connection;
}

async function withinTimeout(
  input: BackupInput,
  member: Member,
): Promise<Times & { backup: VerifiedBackup }> {
  const connection = input.client.connections.get(member.id);
  if (connection === undefined)
    throw new Failure('unreachable', `${label(member)} is not reachable; ${NOTHING_DONE}`);
  const { timeoutMs } = input.config.backup;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([input.signal, timeout]);
  try {
    return await takeBackup({ ...input, member, connection, store: input.store.within(signal), signal });
  } catch (error) {
    input.signal.throwIfAborted();
    if (isBug(error)) throw error;
    if (timeout.aborted)
      throw failure(input, member, `it took longer than BACKUP_TIMEOUT (${timeoutMs / 1000} s)`);
    if (error instanceof EtcdError && error.code === 'access') throw accessDenied(connection.endpoint, error);
    if (error instanceof Failure && error.kind !== 'backup') throw error;
    throw failure(input, member, messageOf(error), error);
  }
}

function failure({ store }: BackupInput, member: Member, why: string, cause?: unknown): Failure {
  return new Failure(
    'backup',
    `the backup of ${label(member)} to ${store.location} failed: ${why}. Nothing was changed in the cluster`,
    { cause },
  );
}

/** Streams the snapshot into the store, reads it back, and only then gives it its name and, last, its manifest. */
async function takeBackup(task: Task): Promise<Times & { backup: VerifiedBackup }> {
  const { connection, member, store, log, signal } = task;
  // Before anything else: what dead runs left behind may be what fills the disk.
  await removeLeftovers(task);
  await store.prepare();
  const origin = await readOrigin(task);
  const encoding = await encodingOf(task);
  const name = nameOf(origin, encoding);
  const began = performance.now();
  const snapshot = await openSnapshot(connection, member.id, signal);
  let pending: PendingFile | undefined;
  try {
    await checkSpace(store, snapshot.announcedBytes);
    pending = await store.create(name);
    const tell = progress(snapshot.announcedBytes, (fields) => log.info(fields, 'backup progress'));
    const written = await writeSnapshot(snapshot.chunks, encoding, pending, { signal, onRead: tell });
    await pending.flush();
    const streamed = performance.now();
    const { raw, stored } = written;
    log.info({ backup: name, bytes: raw.size, storedBytes: stored.size }, 'backup written, reading it back');
    const proof = await proveStored(pending, { ...encoding, ...written }, signal);
    const proved = performance.now();
    const manifest = manifestOf(task, name, origin, written);
    signal.throwIfAborted();
    await pending.publish();
    await store.writeText(manifestName(name), formatManifest(manifest));
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
async function removeLeftovers({ store, config, log, signal }: Task): Promise<void> {
  try {
    const files = await store.removeLeftovers(config.backup.timeoutMs, isBackupFile);
    for (const file of files) log.info({ file }, 'temporary file of a dead run deleted');
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ reason: messageOf(error) }, 'temporary files of dead runs not deleted');
  }
}

/** Where the snapshot comes from. */
interface Origin {
  startedAt: Date;
  status: MemberStatus;
  /** how many there were at `revision` */
  keys: number;
  revision: number;
}

/** Read before the snapshot is: every write up to this revision is then in there. */
async function readOrigin({ connection, member }: Task): Promise<Origin> {
  const startedAt = new Date();
  const found = await status(connection);
  if (found.memberId !== member.id)
    throw new EtcdError('other-member', `another member now answers at ${connection.endpoint}`);
  return { startedAt, status: found, ...(await countKeys(connection, COUNT_TIMEOUT_MS)) };
}

/** Loaded only when used: age's libraries take about as long to load as all the rest of this program. */
async function encodingOf({ config }: Task): Promise<Encoding & Decoding> {
  const { compression, recipients } = config.backup;
  if (recipients.length === 0) return { compression };
  const { encryptFor } = await import('../backup/encryption/age.ts');
  return { compression, ...(await encryptFor(recipients)) };
}

function nameOf({ startedAt, revision }: Origin, { compression, encrypt }: Encoding): string {
  return backupName({ at: startedAt, revision, compression, encrypted: encrypt !== undefined });
}

/** The failure that led here is the one to tell; this one only leaves a temporary file for a later run to remove. */
async function discard({ log }: Task, pending: PendingFile | undefined): Promise<void> {
  try {
    await pending?.discard();
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'temporary file not removed, a later run will');
  }
}

function manifestOf(
  { client, cluster, clusterName, config, member, plan, version }: Task,
  name: string,
  { startedAt, status: before, keys, revision }: Origin,
  written: { raw: Digest; stored: Digest },
): Manifest {
  const hashKV = 'byMember' in cluster.hashes ? cluster.hashes.byMember[member.id] : undefined;
  const quota = quotaFor(member, cluster, config);
  return {
    format: 1,
    name,
    cluster: { name: clusterName, id: client.id },
    member: { id: member.id, name: member.name },
    etcdVersion: before.version,
    revision,
    raftTerm: before.raftTerm,
    raftAppliedIndex: before.raftAppliedIndex,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    ...written,
    compression: config.backup.compression,
    encryption: { recipients: [...config.backup.recipients] },
    keys,
    database: { inUse: before.dbSizeInUse, ...(quota.kind === 'known' && { quota: quota.bytes }) },
    ...(hashKV && { hashKV }),
    ...(config.nodeName !== undefined && { node: config.nodeName }),
    problems: [...plan.problems],
    createdBy: { name: 'etcd-upkeep', version },
  };
}

function factsOf({ name, revision, raw, stored }: Manifest, times: Times, store: Store): BackupFacts {
  return {
    name,
    store: store.location,
    revision,
    rawBytes: raw.size,
    storedBytes: stored.size,
    megabytesPerSecond: megabytesPerSecond(raw.size, times.streamSeconds * 1000),
    ...times,
  };
}
