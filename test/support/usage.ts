import type { Usage, UsageFigures } from '../../src/bolt/usage/types.ts';

type Sizes = readonly [liveBytes: number, historyBytes: number, keys?: number];

const figuresOf = ([liveBytes, historyBytes, keys = 1]: Sizes): UsageFigures => ({
  keys,
  revisions: keys * 2,
  liveBytes,
  historyBytes,
});

const sum = (all: readonly UsageFigures[]): UsageFigures => ({
  keys: all.reduce((total, { keys }) => total + keys, 0),
  revisions: all.reduce((total, { revisions }) => total + revisions, 0),
  liveBytes: all.reduce((total, { liveBytes }) => total + liveBytes, 0),
  historyBytes: all.reduce((total, { historyBytes }) => total + historyBytes, 0),
});

/** What fills a database with these resources, all in one namespace. */
export function usageOf(sizes: Readonly<Record<string, Sizes>>, keys: readonly string[] = []): Usage {
  const resources = Object.entries(sizes).map(([resource, of]) => ({ resource, ...figuresOf(of) }));
  const total = sum(resources);
  return {
    total,
    resources,
    namespaces: resources.length > 0 ? [{ namespace: 'default', ...total }] : [],
    largest: keys.map((key, index) => ({ key, bytes: 1000 - index })),
    mostRevised: keys.map((key, index) => ({ key, revisions: 1000 - index })),
  };
}

const named = (prefix: string, index: number): string => `${prefix}${index}.example.com`;

/** As much as a manifest can name, `bytes` long the keys. */
export function fullUsage(bytes: number, seed = 0): Usage {
  const sizes = Array.from({ length: 50 }, (_, index): [string, Sizes] => [
    named('kind', index),
    [(50 - index) * 1_000_003 + seed * 1000, (50 - index) * 90_001, 1000 + index],
  ]);
  const keys = Array.from({ length: 50 }, (_, index) => named('/registry/kind', index).padEnd(bytes, 'x'));
  const usage = usageOf({ ...Object.fromEntries(sizes), other: [12_345, 678, 9] }, keys);
  const namespaces = sizes.map(([, of], index) => ({ namespace: named('team', index), ...figuresOf(of) }));
  return { ...usage, namespaces };
}
