import type { KeyNumbers } from '../keys/key-numbers.ts';
import type { Candidates } from './candidates.ts';
import { type Columns, groupOf, lengthOf, revisionsOf } from './columns.ts';
import { cutUsage } from './cut.ts';
import { sizeOf, sumOf } from './figures.ts';
import { type Groups, namespaceIn, resourceIn } from './groups.ts';
import type { Usage, UsageFigures } from './types.ts';

export interface Counted {
  keys: KeyNumbers;
  columns: Columns;
  groups: Groups;
  largest: Candidates;
  mostRevised: Candidates;
}

/** What was counted, with so many named in each list. */
export function usageOf({ keys, columns, groups, largest, mostRevised }: Counted, named: number): Usage {
  const byResource = figuresOf(columns, keys.count(), resourceIn, groups.resourceBytes);
  const byNamespace = figuresOf(columns, keys.count(), namespaceIn, groups.namespaceBytes);
  const usage: Usage = {
    total: sumOf(byResource),
    resources: byName(groups.resources, byResource).map(([resource, figures]) => ({ resource, ...figures })),
    namespaces: byName(groups.namespaces, byNamespace).map(([namespace, figures]) => ({
      namespace,
      ...figures,
    })),
    largest: largest.foremost(named).map(({ key, score }) => ({ key, bytes: score })),
    mostRevised: mostRevised.foremost(named).map(({ key, score }) => ({ key, revisions: score })),
  };
  return cutUsage(usage, named);
}

/** By number; `bytes` are those of all values together. */
function figuresOf(
  columns: Columns,
  count: number,
  numberOf: (group: number) => number,
  bytes: Float64Array,
): UsageFigures[] {
  const keys = new Float64Array(bytes.length);
  const revisions = new Float64Array(bytes.length);
  const live = new Float64Array(bytes.length);
  for (let key = 0; key < count; key += 1) {
    const seen = revisionsOf(columns, key);
    if (seen === 0) continue;
    const number = numberOf(groupOf(columns, key));
    const length = lengthOf(columns, key);
    revisions[number] = (revisions[number] ?? 0) + seen;
    if (length < 0) continue;
    keys[number] = (keys[number] ?? 0) + 1;
    live[number] = (live[number] ?? 0) + length;
  }
  return Array.from(bytes, (all, number) => ({
    keys: keys[number] ?? 0,
    revisions: revisions[number] ?? 0,
    liveBytes: live[number] ?? 0,
    historyBytes: all - (live[number] ?? 0),
  }));
}

/** What has one name together, the largest first. */
function byName(names: readonly string[], figures: readonly UsageFigures[]): [string, UsageFigures][] {
  const found = new Map<string, UsageFigures>();
  for (const [number, name] of names.entries()) {
    const its = figures[number];
    if (its === undefined || its.revisions === 0) continue;
    const same = found.get(name);
    found.set(name, same ? sumOf([same, its]) : its);
  }
  return [...found].toSorted(([a, one], [b, other]) => sizeOf(other) - sizeOf(one) || (a < b ? -1 : 1));
}
