import { type Manifest, usageWithin } from '../backup/manifest.ts';
import { isBackupFile } from '../backup/names.ts';
import { type BackupGuarantee, WrongSnapshot } from '../backup/proof.ts';
import type { Usage } from '../bolt/usage/types.ts';
import { Failure, isBug, messageOf } from '../errors.ts';
import { accessDenied, EtcdError } from '../etcd/errors.ts';
import { label, type Member } from '../etcd/types.ts';
import type { BackupSource } from '../plan/backup.ts';
import type { StepEnd } from '../plan/steps.ts';
import type { Store } from '../storage/store.ts';
import { megabytesPerSecond } from '../util/format.ts';
import { type Taken, takeBackup } from './backup/take.ts';
import type { BackupInput, Times } from './backup/types.ts';

/** What the report says of the backup. */
export interface BackupFacts {
  name: string;
  store: string;
  /** whose database it is */
  member: Manifest['member'];
  revision: number;
  rawBytes: number;
  storedBytes: number;
  /** raw bytes of the stream until they were durable */
  megabytesPerSecond: number;
  /** from the first byte until the file was durable; reading it back comes after that */
  streamSeconds: number;
  readBackSeconds: number;
}

const NOTHING_DONE = 'nothing was backed up and nothing was changed';

/**
 * A backup that was read back; or, where the operator said so, none.
 * @throws Failure `backup` with nothing of it left behind, `unreachable` where no member can serve a snapshot,
 *   `configuration` where etcd refuses the right
 */
export async function backUp(
  input: BackupInput,
): Promise<StepEnd & { guarantee: BackupGuarantee; facts?: { backup: BackupFacts; usage?: Usage } }> {
  const { config, plan, store } = input;
  const { reason } = plan.steps.backup;
  if (!config.backup.enabled) return { status: 'skipped', reason, guarantee: { kind: 'skip-confirmed' } };
  const [best] = plan.sources;
  if (best === undefined) throw new Failure('unreachable', `${reason}; ${NOTHING_DONE}`);
  const { source, backup, ...times } = await withinTimeout(input, best);
  const { usage } = backup.manifest;
  return {
    status: 'done',
    reason: [
      `${backup.manifest.name} of ${label(source.member)}, read back and whole`,
      ...source.doubts,
    ].join('; '),
    guarantee: backup,
    facts: { backup: factsOf(backup.manifest, times, store), ...(usage && { usage: usageWithin(usage) }) },
  };
}

/** A backup, and where it is from. */
type Chosen = Taken & { source: BackupSource };

/** A try that failed at its member, which may go well at another. */
interface Broken {
  member: Member;
  next: Member;
  why: string;
}

async function withinTimeout(input: BackupInput, best: BackupSource): Promise<Chosen> {
  const { timeoutMs } = input.config.backup;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([input.signal, timeout]);
  const within = { ...input, store: input.store.within(signal), signal };
  let broken: Broken | undefined;
  try {
    await makeReady(within);
    return await takeFrom(within, best).catch((error: unknown) => {
      if (signal.aborted || !isOfMember(error)) throw error;
      const next = input.plan.sources[1] ?? best;
      broken = { member: best.member, next: next.member, why: messageOf(error) };
      tellOf(broken, input);
      return takeFrom(within, next);
    });
  } catch (error) {
    input.signal.throwIfAborted();
    if (isBug(error)) throw error;
    if (timeout.aborted)
      throw failure(input, best.member, broken, `it took longer than BACKUP_TIMEOUT (${timeoutMs / 1000} s)`);
    if (error instanceof Failure && error.kind !== 'backup') throw error;
    throw failure(input, best.member, broken, messageOf(error), error);
  }
}

/** Before anything else: what dead runs left behind may be what fills the disk. */
async function makeReady(within: BackupInput): Promise<void> {
  await removeLeftovers(within);
  await within.store.prepare();
}

/** No run can still be writing a file that is older than a backup may take. */
async function removeLeftovers({ store, config, log, signal }: BackupInput): Promise<void> {
  try {
    const files = await store.removeLeftovers(config.backup.timeoutMs, isBackupFile);
    for (const file of files) log.info({ file }, 'temporary file of a dead run deleted');
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ reason: messageOf(error) }, 'temporary files of dead runs not deleted');
  }
}

async function takeFrom(within: BackupInput, source: BackupSource): Promise<Chosen> {
  const { member } = source;
  const connection = within.client.connections.get(member.id);
  if (connection === undefined)
    throw new Failure('unreachable', `${label(member)} is not reachable; ${NOTHING_DONE}`);
  try {
    return { source, ...(await takeBackup({ ...within, member, connection })) };
  } catch (error) {
    if (error instanceof EtcdError && error.code === 'access') throw accessDenied(connection.endpoint, error);
    throw error;
  }
}

/** Whether it was the member or the way to it: the store took what came, and may take it from another. */
const isOfMember = (error: unknown): boolean => error instanceof EtcdError || error instanceof WrongSnapshot;

function tellOf({ member, next, why }: Broken, { log, warn }: BackupInput): void {
  const again = next === member ? 'from the same member, for want of another' : `from ${label(next)}`;
  log.warn({ member: label(member), reason: why, next: label(next) }, 'backup broke off, begun once more');
  warn(`the backup of ${label(member)} broke off (${why}) and was begun once more, ${again}`);
}

function failure(
  { store }: BackupInput,
  first: Member,
  broken: Broken | undefined,
  why: string,
  cause?: unknown,
): Failure {
  const whys = broken ? `${broken.why}; and once more, from ${label(broken.next)}: ${why}` : why;
  return new Failure(
    'backup',
    `the backup of ${label(first)} to ${store.location} failed: ${whys}. Nothing was changed in the cluster`,
    { cause },
  );
}

function factsOf({ name, member, revision, raw, stored }: Manifest, times: Times, store: Store): BackupFacts {
  return {
    name,
    store: store.location,
    member,
    revision,
    rawBytes: raw.size,
    storedBytes: stored.size,
    megabytesPerSecond: megabytesPerSecond(raw.size, times.streamSeconds * 1000),
    ...times,
  };
}
