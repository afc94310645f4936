import { filesOf } from '../backup/catalog.ts';
import type { BackupGuarantee, VerifiedBackup } from '../backup/proof.ts';
import { findOutdated, type Outdated, prune as deleteBackups } from '../backup/prune.ts';
import type { Config } from '../config/config.ts';
import { Failure, isFailure } from '../errors.ts';
import type { ClusterClient } from '../etcd/cluster/discover.ts';
import type { Log } from '../log.ts';
import type { StepEnd } from '../plan/steps.ts';
import { RetainedError } from '../storage/errors.ts';
import type { Store } from '../storage/store.ts';
import { formatTime } from '../util/format.ts';

/** How many files are named in the log for one reason; of more, only their number. */
const NAMED = 50;
/** How many are named in the report. */
const NAMED_IN_REPORT = 5;

interface PruneInput {
  store: Store;
  client: ClusterClient;
  clusterName: string;
  config: Pick<Config, 'backup'>;
  /** how much of BACKUP_TIMEOUT, which is for both, the backup took */
  backupMs: number;
  /** takes what somebody should know who reads the report alone */
  warn: (warning: string) => void;
  log: Log;
  signal: AbortSignal;
}

type Pruned = StepEnd & { facts?: { backups: number } };

/**
 * Deletes the backups that no rule keeps, now that this run's own is proved: a few hundred at the most.
 * @throws Failure `step` when something could not be deleted, or not in time
 */
export async function prune(guarantee: BackupGuarantee, input: PruneInput): Promise<Pruned> {
  if (guarantee.kind !== 'verified')
    return { status: 'skipped', reason: 'this run made no backup, so none is deleted' };
  const leftMs = Math.max(0, input.config.backup.timeoutMs - input.backupMs);
  const timeout = AbortSignal.timeout(leftMs);
  try {
    return await deleteOutdated(guarantee, { ...input, store: input.store.within(timeout) });
  } catch (error) {
    input.signal.throwIfAborted();
    if (timeout.aborted) throw tooLong(leftMs, input.store, error);
    if (isFailure(error, 'backup')) throw new Failure('step', error.message, { cause: error });
    throw error;
  }
}

function tooLong(leftMs: number, store: Store, cause: unknown): Failure {
  const left = `${Math.ceil(leftMs / 1000)} s that were left of BACKUP_TIMEOUT`;
  return new Failure(
    'step',
    `old backups were not all deleted within the ${left}, so the store will fill: look at ${store.location}`,
    { cause },
  );
}

async function deleteOutdated(
  own: VerifiedBackup,
  { store, client, clusterName, config, warn, log }: PruneInput,
): Promise<Pruned> {
  const repository = { store, cluster: clusterName, clusterId: client.id };
  const retention = { keep: config.backup.keep, now: new Date(), own: own.manifest.name };
  const outdated = await findOutdated(repository, retention);
  logWhatStays(outdated, log);
  warnOfWhatStays(outdated, store, warn);
  const { remove, kept, left } = outdated;
  const { removed, failures } = await deleteBackups(store, remove);
  for (const name of removed) log.info({ backup: name }, 'old backup deleted');
  if (left > 0) log.info({ backups: left }, 'more old backups than one run deletes, left to later runs');
  const retained = failures.flatMap(({ name, error }) =>
    error instanceof RetainedError ? [{ name, error }] : [],
  );
  logRetained(retained, log);
  const [first] = failures.filter(({ error }) => !(error instanceof RetainedError));
  if (first !== undefined) {
    throw new Failure(
      'step',
      `${failures.length - retained.length} old backups could not be deleted, so the store will fill: ${first.name}: ${first.error.message}`,
      { cause: first.error },
    );
  }
  const later = left > 0 ? `, ${left} left to later runs` : '';
  return {
    status: removed.length + retained.length > 0 ? 'done' : 'skipped',
    reason: `${removed.length} backups deleted, ${kept} kept${inWords(retained)}${later}`,
    facts: { backups: kept + retained.length },
  };
}

/** What no rule keeps any more, but the store does. */
type Retained = readonly { name: string; error: RetainedError }[];

function inWords(retained: Retained): string {
  if (retained.length === 0) return '';
  const ends = retained.flatMap(({ error }) => error.until?.getTime() ?? []);
  const until =
    ends.length === 0 ? 'until a hold is taken off' : `until ${formatTime(new Date(Math.min(...ends)))}`;
  return `, ${retained.length} more kept by the bucket ${until}${retained.length > 1 ? ' at the least' : ''}`;
}

function logRetained(retained: Retained, log: Log): void {
  for (const { name, error } of retained.slice(0, NAMED))
    log.info({ backup: name, reason: error.message }, 'old backup kept by the store');
}

function logWhatStays({ ignored, future }: Outdated, log: Log): void {
  for (const { name, reason } of ignored.slice(0, NAMED))
    log.warn({ file: name, reason }, 'file in the store left alone');
  if (ignored.length > NAMED)
    log.warn({ files: ignored.length - NAMED }, 'more files in the store left alone');
  for (const name of future.slice(0, NAMED))
    log.warn({ backup: name }, 'backup is dated in the future, kept and not counted');
  if (future.length > NAMED)
    log.warn(
      { backups: future.length - NAMED },
      'more backups are dated in the future, kept and not counted',
    );
}

/** The same for the report: what is in the folder and is not what it looks like. */
function warnOfWhatStays(
  { ignored, remove, future }: Outdated,
  { location }: Store,
  warn: PruneInput['warn'],
): void {
  const removed = new Set(remove.flatMap(filesOf));
  const stays = ignored.filter(({ name }) => !removed.has(name));
  if (stays.length > 0) {
    const named = stays.map(({ name, reason }) => `${name}: ${reason}`);
    warn(
      `${stays.length} files in ${location} look like backups and were neither counted nor deleted: ${listed(named, '; ')}`,
    );
  }
  if (future.length > 0) {
    warn(
      `${future.length} backups in ${location} are dated after this run's clock, so they are kept and not counted: ${listed(future, ', ')}`,
    );
  }
}

function listed(texts: readonly string[], separator: string): string {
  const more = texts.length - NAMED_IN_REPORT;
  const named = texts.slice(0, NAMED_IN_REPORT).join(separator);
  return more > 0 ? `${named}${separator}and ${more} more` : named;
}
