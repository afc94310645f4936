import { proveStructure, STRUCTURE_NOT_CHECKED } from '../../backup/structure.ts';
import { WrongSnapshot } from '../../backup/proof.ts';
import type { Structure } from '../../bolt/structure.ts';
import { label } from '../../etcd/types.ts';
import type { LentBuffer } from '../../util/lent.ts';
import type { Sink } from '../../backup/codec.ts';
import type { Origin } from './origin.ts';
import type { Task } from './types.ts';

/** What a backup holds, seen while it is made: first while it streams to the store, then while it is read back. */
export interface Inside {
  see(piece: LentBuffer): void;
  /**
   * To be called when all has come and its checksum fits. @returns what has to see the bytes that are read back
   * @throws WrongSnapshot where the database is damaged, or ends before the revision that it has to hold
   */
  judge(): Sink | undefined;
}
