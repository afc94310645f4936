import type { Manifest } from '../../backup/manifest.ts';
import { Failure } from '../../errors.ts';
import { restartBetween, standingOf } from '../../history/restarts.ts';

/** Why two backups are not compared, and what to do instead. */

export const sameBackup = (name: string): Failure =>
  new Failure('configuration', `both are ${name}: there is nothing between a backup and itself`);

/** What the manifests alone have against it; undefined where they have nothing. */
export function notOneHistory(older: Manifest, newer: Manifest): Failure | undefined {
  const before = standingOf(older);
  const after = standingOf(newer);
  const isEarlier = after.at < before.at;
  if (isEarlier && after.clusterId === before.clusterId && after.revision < before.revision)
    return new Failure(
      'configuration',
      `${newer.name} was taken before ${older.name}: the older one comes first, diff ${newer.name} ${older.name}`,
    );
  // Dates that run backwards tell of a clock, and not how fast the revision rose.
  const restart = restartBetween(before, isEarlier ? { ...after, at: Infinity } : after);
  return restart === undefined ? undefined : otherHistory(older, newer, restart);
}

/** What is in them has something against it. */
export const parted = (older: Manifest, newer: Manifest, revision: number): Failure =>
  otherHistory(
    older,
    newer,
    `at revision ${revision} one of them holds a write that the other never had, so between them the cluster was restored`,
  );

const otherHistory = (older: Manifest, newer: Manifest, why: string): Failure =>
  new Failure(
    'configuration',
    `${older.name} and ${newer.name} are not of one history: ${why}. What happened between them cannot be told by ` +
      'revisions: compare two backups from after it, or two from before',
  );

export const compactedPast = ({ name, revision }: Manifest, compacted: number): Failure =>
  new Failure(
    'backup',
    `the backup ${name} cannot be compared: its history was compacted up to ${compacted} while it was taken, so what there ` +
      `was at its revision ${revision} is not known. Compare the backup before or after it`,
  );

export const tooMuch = (): Failure =>
  new Failure(
    'backup',
    'the two backups have too many keys, or too many that changed, to be compared in the memory that there is for it. ' +
      'Compare two that lie closer together, without --all; or fetch both, restore each with etcdutl, and compare the ' +
      'output of etcdctl get --prefix --keys-only',
  );
