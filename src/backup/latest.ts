import type { CatalogEntry } from './catalog.ts';
import { examineInOrder, type GoodBackup, type Repository } from './examine.ts';
import type { Manifest } from './manifest.ts';

/** A machine's clock may be so far behind that of the one that made a backup. */
const CLOCK_TOLERANCE_MS = 10 * 60_000;
/** So many of the newest good backups tell whether a folder is of one cluster. */
const LOOKED_AT = 50;
/** After so many it is given up: whoever fills a folder with what looks like backups must not make this last for ever. */
const MOST_READ = 1000;

/** A backup that is newer than the one that was chosen, and why it was not chosen. */
export interface PassedOver {
  name: string;
  problem: string;
}

/** Backups of one cluster ID that no other's lie between. */
export interface Stretch {
  clusterId: string;
  /** the newest of them */
  newest: string;
}

export type Latest =
  | {
      kind: 'found';
      entry: CatalogEntry;
      passedOver: PassedOver[];
      /** newest first; more than one where the cluster was made anew meanwhile */
      stretches: Stretch[];
    }
  /** Two clusters under one name: none of their backups is the latest. */
  | { kind: 'several-clusters'; newest: Stretch[] }
  /** `unread`: how many more there are that nobody looked into. */
  | { kind: 'none'; passedOver: PassedOver[]; unread: number };

/**
 * The newest backup that is complete, agrees with its name, is not dated after `now` (milliseconds since 1970), and is of
 * the one cluster whose backups these are.
 * @param entries newest first
 */
export async function findLatest(
  repository: Repository,
  entries: readonly CatalogEntry[],
  now: number,
): Promise<Latest> {
  const passedOver: PassedOver[] = entries
    .filter((entry) => isAhead(entry, now))
    .map(({ name }) => ({ name, problem: AHEAD }));
  const dated = entries.slice(passedOver.length);
  const { good, newer, seen } = await lookInto(repository, dated);
  passedOver.push(...newer);
  const [first] = good;
  if (first === undefined) return { kind: 'none', passedOver, unread: dated.length - seen };
  const stretches = stretchesOf(good);
  const newest = newestOfEach(stretches);
  if (newest.length < stretches.length) return { kind: 'several-clusters', newest };
  return { kind: 'found', entry: first.entry, passedOver, stretches };
}

/** Whether a backup is dated after that moment, by more than clocks may differ. */
export const isAhead = ({ at }: CatalogEntry, now: number): boolean =>
  at.getTime() > now + CLOCK_TOLERANCE_MS;

/** Why it is not taken. */
export const AHEAD = "it is dated after this machine's clock: one of the two clocks is wrong, or its name";

/** The newest good ones, and what is newer than all of them. */
async function lookInto(
  repository: Repository,
  entries: readonly CatalogEntry[],
): Promise<{ good: GoodBackup[]; newer: PassedOver[]; seen: number }> {
  const good: GoodBackup[] = [];
  const newer: PassedOver[] = [];
  let [seen, read] = [0, 0];
  for await (const examined of examineInOrder(repository, entries)) {
    seen += 1;
    // What has lost a file costs no request.
    if (examined.ok || examined.fault !== 'incomplete') read += 1;
    if (examined.ok) good.push(examined);
    else if (good.length === 0) newer.push({ name: examined.entry.name, problem: examined.problem });
    if (good.length >= LOOKED_AT || read >= MOST_READ) break;
  }
  return { good, newer, seen };
}

/** What the IDs of backups tell, newest first. */
export function stretchesOf(
  good: readonly { entry: Pick<CatalogEntry, 'name'>; manifest: Pick<Manifest, 'cluster'> }[],
): Stretch[] {
  const stretches: Stretch[] = [];
  for (const { entry, manifest } of good) {
    const { id } = manifest.cluster;
    if (stretches.at(-1)?.clusterId !== id) stretches.push({ clusterId: id, newest: entry.name });
  }
  return stretches;
}

/** Fewer than there are stretches, where two clusters take turns. */
export function newestOfEach(stretches: readonly Stretch[]): Stretch[] {
  const byId = new Map<string, Stretch>();
  for (const stretch of stretches) if (!byId.has(stretch.clusterId)) byId.set(stretch.clusterId, stretch);
  return [...byId.values()];
}
