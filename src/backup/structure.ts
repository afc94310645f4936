import { describeFinding } from '../bolt/file/findings.ts';
import { MAX_STRUCTURE_BYTES, type Structure, structureReader } from '../bolt/structure.ts';
import type { Failure } from '../errors.ts';
import { bytesOf, type LentBuffer } from '../util/lent.ts';

/** What a person should know where a proof had to do without it. */
export const STRUCTURE_NOT_CHECKED = `the structure of the database was not checked, for that would have taken more than ${MAX_STRUCTURE_BYTES / 2 ** 20} MiB of memory; its checksums fit`;

/** Looks at the structure of a database while it streams past. */
export interface StructureProof {
  see(piece: LentBuffer): void;
  /**
   * To be asked for when all has come, and its checksum fits: what is found before that may be of its way. Undefined where
   * it was not checked, because that would have taken too much memory.
   */
  structure(): Structure | undefined;
}

/** @param refusal what is thrown for a structure that is damaged; is told where and how */
export function proveStructure(refusal: (damage: string) => Failure): StructureProof {
  const reader = structureReader();
  return {
    see: (piece) => reader.take(bytesOf(piece)),
    structure() {
      const judgement = reader.judge();
      switch (judgement.kind) {
        case 'sound':
          return judgement.structure;
        case 'not-checked':
          return undefined;
        case 'damaged':
          throw refusal(describeFinding(judgement.finding));
        default:
          return judgement satisfies never;
      }
    },
  };
}
