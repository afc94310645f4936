import { type ClusterStatus, type HashKV, label, type Member } from '../etcd/types.ts';

/** Whether a backup holds what the members say that they hold, by etcd's hash of all keys at one revision. */
export type HashComparison =
  | { kind: 'same' }
  /** how they differ, in words */
  | { kind: 'differs'; message: string }
  | { kind: 'not-comparable'; message: string };

/** What to do where they differ. */
export const OTHER_DATA_ADVICE =
  'its checksum fits, so that is how the member sent it, and its disk or its memory is the first suspect: see whether the ' +
  'other members can be backed up, then take this one out of the cluster and add it anew, empty';

/** How far a database file goes, and from where on it has all. */
export interface FileRevisions {
  revision: number;
  /** that of a compaction which is under way, where there is one */
  compactRevision: number;
}

/** Where the hash of a file is to be computed. */
export type HashPoint = Omit<HashKV, 'hash'>;

/** What a member answered that the backup is to agree with; or why there is nothing of the kind. */
type Wanted = { kind: 'wanted'; hash: HashKV } | { kind: 'none'; message: string };

const none = (message: string): Wanted => ({ kind: 'none', message });

/**
 * Where the hash of the file is to be computed: where the members told theirs, if that can be compared, else at the
 * backup's own revision, for whoever restores it. Undefined where the file has lost that in a compaction.
 */
export function hashPointOf(
  cluster: Pick<ClusterStatus, 'hashes'>,
  source: Member,
  file: FileRevisions,
  backupRevision: number,
): HashPoint | undefined {
  const wanted = wantedOf(cluster, source, file);
  if (wanted.kind === 'wanted') {
    const { revision, compactRevision } = wanted.hash;
    return { revision, compactRevision };
  }
  if (backupRevision < file.compactRevision) return undefined;
  return { revision: backupRevision, compactRevision: file.compactRevision };
}

/** @param computed undefined where it was not computed */
export function compareHashes(
  cluster: Pick<ClusterStatus, 'hashes'>,
  source: Member,
  file: FileRevisions,
  computed: HashKV | undefined,
): HashComparison {
  const wanted = wantedOf(cluster, source, file);
  if (wanted.kind === 'none') return { kind: 'not-comparable', message: wanted.message };
  const { hash, revision, compactRevision } = wanted.hash;
  if (computed?.revision !== revision || computed.compactRevision !== compactRevision)
    return { kind: 'not-comparable', message: 'its own hash was not computed' };
  if (computed.hash === hash) return { kind: 'same' };
  return {
    kind: 'differs',
    message:
      `the snapshot of ${label(source)} does not hold what ${cluster.hashes.kind === 'mismatch' ? 'the majority of ' : ''}` +
      `the members said right before (the hash of all keys at revision ${revision} is ${computed.hash} instead of ${hash})`,
  };
}

function wantedOf({ hashes }: Pick<ClusterStatus, 'hashes'>, source: Member, file: FileRevisions): Wanted {
  if (hashes.kind === 'not-checked' || hashes.kind === 'not-comparable') return none(hashes.message);
  if (hashes.kind === 'mismatch' && hashes.majority.length === 0)
    return none('no majority of the members holds the same data');
  const [believed] = hashes.kind === 'mismatch' ? hashes.majority : Object.keys(hashes.byMember);
  const hash = believed === undefined ? undefined : hashes.byMember[believed];
  if (hash === undefined) return none('no member told its hash');
  // There was nothing better, and the report says so.
  if (hashes.kind === 'mismatch' && !hashes.majority.includes(source.id))
    return none(`${label(source)} is not of the majority that holds the same data`);
  return lostIn(file, hash) ?? { kind: 'wanted', hash };
}

/** A file knows less of the past than members did that were asked before the last compaction. */
function lostIn(file: FileRevisions, hash: HashKV): Wanted | undefined {
  if (file.compactRevision > hash.compactRevision)
    return none(
      `a compaction (to revision ${file.compactRevision}) passed between the members' hashes and the snapshot`,
    );
  if (file.revision < hash.revision)
    return none(`the snapshot ends before revision ${hash.revision}, at which the members told their hashes`);
  return undefined;
}
