import { sumOf } from './figures.ts';
import { OTHER, OTHER_KEYS } from './names.ts';
import type { Usage, UsageFigures } from './types.ts';

interface Group extends UsageFigures {
  name: string;
}

/** The same with so many of each list at the most, and one more for the rest of resources and of namespaces. */
export function cutUsage(
  { total, resources, namespaces, largest, mostRevised }: Usage,
  named: number,
): Usage {
  const cutResources = cutGroups(
    resources.map(({ resource, ...figures }) => ({ name: resource, ...figures })),
    named,
  );
  const cutNamespaces = cutGroups(
    namespaces.map(({ namespace, ...figures }) => ({ name: namespace, ...figures })),
    named,
  );
  return {
    total,
    resources: cutResources.map(({ name, ...figures }) => ({ resource: name, ...figures })),
    namespaces: cutNamespaces.map(({ name, ...figures }) => ({ namespace: name, ...figures })),
    largest: largest.slice(0, named),
    mostRevised: mostRevised.slice(0, named),
  };
}

/** What has the rest's own name is a part of it: no list has a name twice. */
function cutGroups(groups: readonly Group[], named: number): Group[] {
  const own = groups.filter(({ name }) => name !== OTHER);
  const first = own.slice(0, named);
  const otherKeys = own.slice(named).find(({ name }) => name === OTHER_KEYS);
  if (otherKeys !== undefined) first.splice(named - 1, 1, otherKeys);
  const kept = new Set(first);
  const rest = groups.filter((group) => !kept.has(group));
  return rest.length === 0 ? first : [...first, { name: OTHER, ...sumOf(rest) }];
}
