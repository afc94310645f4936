import { OTHER, OTHER_KEYS } from '../bolt/usage/names.ts';
import type { Usage } from '../bolt/usage/types.ts';
import type { ObjectCounts } from '../etcd/cluster/objects.ts';
import type { ObjectsReport } from './state.ts';

/** So many resources are named in the report, and in the metrics. */
const NAMED = 50;

/** The objects that a backup was seen to hold. A resource of which only history is left has none. */
export function objectsIn({ resources }: Pick<Usage, 'resources'>): ObjectCounts {
  const objects = resources.filter(({ resource, keys }) => resource !== OTHER_KEYS && keys > 0);
  const named = objects.filter(({ resource }) => resource !== OTHER);
  return {
    byResource: new Map(named.map(({ resource, keys }) => [resource, keys])),
    total: objects.reduce((sum, { keys }) => sum + keys, 0),
  };
}

/** What can be done about Events that fill a database. */
export const EVENTS_ADVICE =
  "kube-apiserver's --event-ttl says how long they stay (1h unless set), and --etcd-servers-overrides can keep them in an " +
  'etcd of their own';

/** What the report tells of them. */
export function objectsReport({ byResource, total }: ObjectCounts): ObjectsReport {
  const largest = [...byResource].toSorted(([, a], [, b]) => b - a).slice(0, NAMED);
  const events = byResource.get('events') ?? 0;
  return {
    total,
    byResource: Object.fromEntries(largest),
    ...(events > total / 2 && {
      note: `${Math.floor((events / total) * 100)} % of all objects are Events: ${EVENTS_ADVICE}`,
    }),
  };
}
