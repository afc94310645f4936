import type { Manifest } from '../../backup/manifest.ts';
import { type Change, CHANGES, type Difference } from '../../bolt/diff/verdict.ts';
import { formatCount } from '../../util/format.ts';
import { formatTable } from '../output.ts';
import { type Place, placeOf } from './keys.ts';

export type Compared = Omit<Extract<Difference, { kind: 'one-history' }>, 'kind'> & {
  older: Manifest;
  newer: Manifest;
};

/** What happened to the keys of one resource in one namespace. */
interface Group extends Place {
  keys: Record<Change, string[]>;
}

/** For a program. */
export function documentOf({ older, newer, keys, leftOut }: Compared, objectPrefix: string) {
  const groups = groupsOf(keys, objectPrefix);
  return {
    older: older.name,
    newer: newer.name,
    revisions: { older: older.revision, newer: newer.revision },
    ...keys,
    leftOut,
    groups: groups.map(({ resource, namespace, keys: own }) => ({ resource, namespace, ...countsOf(own) })),
  };
}

/** For a person; so many keys of each resource and namespace are named, what was deleted first. */
export function textFor({ keys, leftOut }: Compared, objectPrefix: string, top: number): string {
  const groups = groupsOf(keys, objectPrefix);
  const left = leftOutLine(leftOut);
  if (groups.length === 0) return `nothing was created, changed or deleted\n${left}`;
  const counts = formatTable([COUNTS_HEAD, ...groups.map(countsRow), totalRow(keys)]);
  return `${counts}\n${formatTable([KEYS_HEAD, ...groups.flatMap((group) => keyRows(group, top))])}${left}`;
}

const COUNTS_HEAD = ['RESOURCE', 'NAMESPACE', 'CREATED', 'CHANGED', 'DELETED'];
const KEYS_HEAD = ['WAS', 'KEY'];
/** A deleted key is what somebody looks for; most changes are of a controller's. */
const BY_INTEREST: readonly Change[] = ['deleted', 'created', 'changed'];

const countsRow = ({ resource, namespace, keys }: Group): string[] => [
  resource,
  namespace === '' ? '-' : namespace,
  ...cellsOf(keys),
];

const totalRow = (keys: Compared['keys']): string[] => ['(together)', '', ...cellsOf(keys)];

const cellsOf = (keys: Compared['keys']): string[] =>
  CHANGES.map((change) => formatCount(keys[change].length));

function keyRows({ resource, namespace, keys }: Group, top: number): string[][] {
  const rows = BY_INTEREST.flatMap((change) => keys[change].map((key) => [change, key]));
  const more = rows.length - top;
  if (more <= 0) return rows;
  const of = namespace === '' ? resource : `${resource} in ${namespace}`;
  return [
    ...rows.slice(0, top),
    ['...', `${formatCount(more)} more of ${of}: --top says how many are shown`],
  ];
}

function leftOutLine(leftOut: Compared['leftOut']): string {
  if (CHANGES.every((change) => leftOut[change] === 0)) return '';
  const counts = CHANGES.map((change) => `${formatCount(leftOut[change])} ${change}`);
  return `Leases and Events are left out (${counts.join(', ')}): --all shows them\n`;
}

const countsOf = (keys: Compared['keys']): Record<Change, number> => ({
  created: keys.created.length,
  changed: keys.changed.length,
  deleted: keys.deleted.length,
});

/** By resource and namespace, in the order of their names. */
function groupsOf(keys: Compared['keys'], objectPrefix: string): Group[] {
  const groups = new Map<string, Group>();
  for (const change of CHANGES) {
    for (const key of keys[change]) {
      const place = placeOf(key, objectPrefix);
      const name = JSON.stringify([place.resource, place.namespace]);
      const group = groups.get(name) ?? { ...place, keys: { created: [], changed: [], deleted: [] } };
      group.keys[change].push(key);
      groups.set(name, group);
    }
  }
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}
