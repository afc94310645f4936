import type { AgeKey } from '../support/age.ts';
import type { Corpus } from './corpus/make.ts';

/** What is in a database: text like Kubernetes' objects, bytes that nothing compresses, or what an API server wrote. */
export const DATA = ['text', 'random', 'objects', 'encrypted'] as const satisfies (
  | 'text'
  | 'random'
  | Corpus
)[];
export type Data = (typeof DATA)[number];

/** What every bench is given. Sizes as Kubernetes writes quantities. */
export interface Bench {
  /** What backups and whole runs are measured on. */
  data: readonly Data[];
  /** Of the database of text that is backed up against the peers; the other data have a size of their own. */
  size: string;
  /** Of the larger one, for memory and for the way back. */
  large: string;
  /** What memory is measured with. */
  filling: Data;
  /** Of each of the three members that a whole run is for, with text in them. */
  small: string;
  /** How many there are to list. */
  backups: number;
  /** How often everything is measured; the median counts. */
  runs: number;
  /** On a disk. */
  folder: string;
  /** A folder in it for backups, which is not there yet. */
  store: string;
  key: AgeKey;
}

/** On standard error, so that standard output is the table alone. */
export function say(text: string): void {
  console.error(`== ${text}`);
}
