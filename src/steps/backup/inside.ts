import type { Sink } from '../../backup/codec.ts';
import { drain, WrongSnapshot } from '../../backup/proof.ts';
import { proveStructure, STRUCTURE_NOT_CHECKED, type StructureProof } from '../../backup/structure.ts';
import type { Structure } from '../../bolt/structure.ts';
import { label, type Member } from '../../etcd/types.ts';
import type { LentBuffer } from '../../util/lent.ts';
import type { Origin } from './origin.ts';
import type { Task } from './types.ts';

/** Looks into a backup while it is made: at its structure while it streams to the store, at its keys while it is read back. */
export interface Inside {
  see(piece: LentBuffer): void;
  /**
   * To be called when all has come and its checksum fits. @returns what is to have the bytes that are read back
   * @throws WrongSnapshot where the database is damaged, or ends before the revision that it has to hold
   */
  judge(): Sink;
}

/** Nothing is looked at where `BACKUP_CHECK_STRUCTURE` says so. */
export function lookInside(task: Task, origin: Origin): Inside {
  if (!task.config.backup.checkStructure) return { see: () => undefined, judge: () => drain };
  const { member } = task;
  const proof = proveStructure((damage) => damaged(member, damage));
  return {
    see: (piece) => proof.see(piece),
    judge: () => {
      judge(proof, task, origin);
      return drain;
    },
  };
}

function judge(proof: StructureProof, { member, warn }: Task, { revision }: Origin): Structure | undefined {
  const structure = proof.structure();
  if (structure === undefined) {
    warn(STRUCTURE_NOT_CHECKED);
    return undefined;
  }
  if (structure.revision < revision) throw tooOld(member, structure.revision, revision);
  return structure;
}

const damaged = (member: Member, damage: string): WrongSnapshot =>
  new WrongSnapshot(
    `the database of ${label(member)} is damaged (${damage})`,
    'its checksum fits, so that is how the member sent it. The member may go on for a while and lose data, or not start ' +
      'again: see whether the other members can be backed up, then take this one out of the cluster and add it anew, empty',
  );

const tooOld = (member: Member, found: number, told: number): WrongSnapshot =>
  new WrongSnapshot(
    `the snapshot of ${label(member)} ends at revision ${found}, and right before that the member told of ${told}`,
  );
