import { isDeepStrictEqual } from 'node:util';
import { leafReader } from '../../src/bolt/leaves.ts';
import { NotADatabase } from '../../src/bolt/file/meta.ts';
import { type Judgement, type Structure, structureReader } from '../../src/bolt/structure.ts';
import type { Judge, Verdict } from './bolt-maker.ts';
import { mutated } from './bolt-mutations.ts';
import { type Tree, treeOf } from './bolt-tree.ts';
import { type Random, seeded } from './random.ts';

/** What the reader said, or that it said before that this is no database. */
export type Said = Judgement | { kind: 'no-database' };

/** Reads it in pieces of at most so many bytes. @throws whatever it throws but NotADatabase */
export function readIn(file: Buffer, pieces: (left: number) => number): Said {
  const reader = structureReader();
  try {
    for (let at = 0; at < file.length; ) {
      const length = Math.max(1, pieces(file.length - at));
      reader.take(file.subarray(at, at + length));
      at += length;
    }
  } catch (error) {
    if (error instanceof NotADatabase) return { kind: 'no-database' };
    throw error;
  }
  return reader.judge();
}

export const readWhole = (file: Buffer): Said => readIn(file, (left) => left);

/** @returns the entries of a second reading; undefined where it tells that not all of them were there */
export function countEntries(structure: Structure, file: Buffer): number | undefined {
  let entries = 0;
  const reader = leafReader(structure, { entry: () => void (entries += 1) });
  reader.take(file);
  return reader.end() === 'all' ? entries : undefined;
}

export interface Fuzzed {
  tried: number;
  /** by what the reader said: a finding's code, or the kind of judgement */
  said: Record<string, number>;
  /** what must not be, each with the seed of its mutation */
  failures: Failure[];
}

export interface Failure {
  seed: number;
  base: string;
  done: string[];
  why: string;
  file: Buffer;
}

export interface FuzzOptions {
  bases: ReadonlyMap<string, Buffer>;
  judge: Judge;
  seed: number;
  count: number;
  /** it ends there: one is enough to look at */
  maxFailures?: number;
  onAccepted?: (file: Buffer, verdict: Verdict) => void;
  onProgress?: (tried: number) => void;
}

interface Base {
  name: string;
  tree: Tree;
  structure: Structure;
}

/**
 * Changes sound databases at random, and wants of the reader that it never throws, says the same however the bytes come,
 * and accepts nothing that bbolt or etcd refuses; and of a second reading that it bears other bytes than the first had.
 */
export async function fuzz(options: FuzzOptions): Promise<Fuzzed> {
  const { seed, count, maxFailures = 10, onProgress } = options;
  const bases = [...options.bases].map(([name, file]): Base => {
    const said = readWhole(file);
    if (said.kind !== 'sound') throw new Error(`${name} is said to be ${JSON.stringify(said)}`);
    return { name, tree: treeOf(file), structure: said.structure };
  });
  const fuzzed: Fuzzed = { tried: 0, said: {}, failures: [] };
  for (let index = 0; index < count && fuzzed.failures.length < maxFailures; index += 1) {
    const random = seeded(seed + index);
    const base = random.pick(bases);
    const { file, done } = mutated(random, base.tree);
    const fail = (why: string) =>
      fuzzed.failures.push({ seed: seed + index, base: base.name, done, why, file: Buffer.from(file) });
    try {
      const { word, why } = await tryOne(random, base, file, options);
      fuzzed.said[word] = (fuzzed.said[word] ?? 0) + 1;
      if (why !== undefined) fail(why);
    } catch (error) {
      fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    fuzzed.tried += 1;
    if (fuzzed.tried % 10_000 === 0) onProgress?.(fuzzed.tried);
  }
  return fuzzed;
}

async function tryOne(
  random: Random,
  { structure }: Base,
  file: Buffer,
  { judge, onAccepted }: FuzzOptions,
): Promise<{ word: string; why?: string }> {
  const said = readWhole(file);
  const word = said.kind === 'damaged' ? said.finding.code : said.kind;
  const largest = random.pick([1, 7, 100, 1000, 40_000]);
  if (random.below(largest === 1 ? 50 : 4) === 0) {
    const again = readIn(file, () => random.below(largest) + 1);
    if (!isDeepStrictEqual(said, again))
      return { word, why: `in pieces of ${largest}: ${JSON.stringify([said, again])}` };
  }
  countEntries(structure, file);
  if (said.kind !== 'sound') return { word };
  const verdict = await judge.judge(file);
  const why = difference(said.structure, verdict, countEntries(said.structure, file));
  if (why === undefined) onAccepted?.(file, verdict);
  return { word, ...(why !== undefined && { why }) };
}

function difference(structure: Structure, verdict: Verdict, entries: number | undefined): string | undefined {
  const { scheduled, finished, keys } = verdict;
  if (verdict.structure.length > 0) return `accepted, and refused by bbolt: ${verdict.structure.join('; ')}`;
  const unread = verdict.values.filter((value) => /^(KeyValue|lease|alarm) /.test(value));
  if (unread.length > 0) return `accepted, and etcd dies: ${unread.join('; ')}`;
  const seen = {
    entries,
    keys: structure.keys,
    revision: structure.revision,
    compactRevision: structure.compactRevision,
    compactingTo: structure.compactingTo,
    consistentIndex: structure.consistentIndex,
  };
  const wanted = {
    entries: keys.key ?? 0,
    keys: Object.values(keys).reduce((sum, some) => sum + some, 0),
    revision: Math.max(1, verdict.revision, scheduled, finished),
    compactRevision: finished,
    compactingTo: scheduled > finished ? scheduled : undefined,
    consistentIndex: verdict.consistentIndex,
  };
  return isDeepStrictEqual(seen, wanted)
    ? undefined
    : `seen ${JSON.stringify(seen)}, is ${JSON.stringify(wanted)}`;
}
