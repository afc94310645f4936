import { type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';
import { minorOf, refusedForDefragmentation, warnedForDefragmentation } from '../etcd/versions.ts';
import { type Decision, go, notWell, type Policy, refuse, skip } from './decision.ts';

/** Whether members are defragmented at all; which ones is `judgeMember`'s to say. */
export function judgeDefragmentation(
  cluster: ClusterStatus,
  { defrag }: Policy,
  problems: readonly string[],
): Decision {
  if (!defrag.enabled) return skip('DEFRAG_ENABLED is false');
  if (problems.length > 0) return notWell(problems);
  const alone = votersOf(cluster).length === 1;
  if (alone && !defrag.singleMember) {
    return skip(
      'DEFRAG_SINGLE_MEMBER is false, and the only voting member does not answer while it defragments',
    );
  }
  const byMinor = Map.groupBy(
    cluster.members.filter((member) => member.status !== undefined),
    (member) => minorOf(versionOf(member)),
  );
  if (byMinor.size > 1) {
    const told = [...byMinor].map(([minor, members]) => `${minor} at ${members.map(label).join(', ')}`);
    return refuse(
      `the members are of different minor versions (${told.join('; ')}): finish the upgrade first`,
    );
  }
  const downgrade = downgradeOf(cluster);
  if (downgrade !== undefined) return refuse(downgrade);
  const bad = knownBad(cluster);
  if (bad.length > 0 && !defrag.allowKnownBadVersions) {
    return refuse(
      `${bad.join('; ')}. Upgrade etcd, or take the risk with DEFRAG_ALLOW_KNOWN_BAD_VERSIONS=true`,
    );
  }
  const means = alone ? '; the only voting member does not answer meanwhile' : '';
  return go(`the members that the policy picks, one at a time${means}`);
}

/** Why nobody can be sure that no downgrade is under way. */
function downgradeOf({ members, downgrade }: ClusterStatus): string | undefined {
  const end = 'finish it, or end it with etcdctl downgrade cancel';
  const told = members.find((member) => member.status?.downgradeTo !== undefined);
  if (told?.status)
    return `${label(told)} tells of a downgrade to ${told.status.downgradeTo} that is enabled: ${end}`;
  if (downgrade.kind === 'enabled') return `a downgrade is enabled: ${end}`;
  if (downgrade.kind === 'unknown')
    return `whether a downgrade is enabled could not be read (${downgrade.message})`;
  return undefined;
}

/** For a report of a run that defragments. */
export function defragmentationWarnings(cluster: ClusterStatus): string[] {
  const versions = new Set(votersOf(cluster).map(versionOf));
  return [
    ...knownBad(cluster).map((why) => `${why}; defragmented all the same by DEFRAG_ALLOW_KNOWN_BAD_VERSIONS`),
    ...[...versions].flatMap((version) => warnedForDefragmentation(version) ?? []),
  ];
}

function knownBad(cluster: ClusterStatus): string[] {
  return votersOf(cluster).flatMap((member) => {
    const why = refusedForDefragmentation(versionOf(member));
    return why === undefined ? [] : [`${label(member)}: ${why}`];
  });
}

const versionOf = ({ status }: Member): string => status?.version ?? '';
