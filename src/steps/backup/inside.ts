import type { Manifest } from '../../backup/manifest.ts';
import { WrongSnapshot } from '../../backup/proof.ts';
import { proveStructure, STRUCTURE_NOT_CHECKED } from '../../backup/structure.ts';
import type { Structure } from '../../bolt/structure.ts';
import { label, type Member } from '../../etcd/types.ts';
import type { LentBuffer } from '../../util/lent.ts';
import { type Contents, contentsReader } from './contents.ts';
import type { Origin } from './origin.ts';
import type { Task } from './types.ts';

/**
 * Looks into a backup while it is made: at the structure of the database while it streams to the store, at its keys while
 * it is read back.
 */
export interface Inside {
  see(piece: LentBuffer): void;
  /**
   * To be called when all has come and its checksum fits.
   * @throws WrongSnapshot where the database is damaged, or ends before the revision that it has to hold
   */
  judge(): void;
  seeAgain(piece: LentBuffer): void;
  /**
   * To be called when all was read back and is the same. @returns what the manifest tells of it
   * @throws WrongSnapshot where it does not hold what the members do
   */
  found(): Pick<Manifest, 'usage' | 'hashKV'>;
}

type Looking = Pick<Task, 'cluster' | 'config' | 'log' | 'member' | 'warn'>;

const nothing = (): void => undefined;
/** `BACKUP_CHECK_STRUCTURE` is false. */
const NOT_LOOKED: Inside = { see: nothing, judge: nothing, seeAgain: nothing, found: () => ({}) };

export function lookInside(task: Looking, origin: Pick<Origin, 'revision'>): Inside {
  if (!task.config.backup.checkStructure) return NOT_LOOKED;
  const { member, warn } = task;
  const proof = proveStructure((damage) => damaged(member, damage));
  let contents: Contents | undefined;
  return {
    see: (piece) => proof.see(piece),
    judge() {
      const structure = proof.structure();
      if (structure === undefined) warn(STRUCTURE_NOT_CHECKED);
      else contents = contentsReader(task, origin, whole(structure, task, origin));
    },
    seeAgain: (piece) => contents?.see(piece),
    found: () => contents?.found() ?? {},
  };
}

function whole(
  structure: Structure,
  { member }: Pick<Task, 'member'>,
  { revision }: Pick<Origin, 'revision'>,
): Structure {
  if (structure.revision >= revision) return structure;
  throw new WrongSnapshot(
    `the snapshot of ${label(member)} ends at revision ${structure.revision}, and right before that the member told of ${revision}`,
  );
}

const damaged = (member: Member, damage: string): WrongSnapshot =>
  new WrongSnapshot(
    `the database of ${label(member)} is damaged (${damage})`,
    'its checksum fits, so that is how the member sent it. The member may go on for a while and lose data, or not start ' +
      'again: see whether the other members can be backed up, then take this one out of the cluster and add it anew, empty',
  );
