import type { Random } from '../../support/random.ts';
import { configMaps } from './kinds/settings.ts';
import { custom } from './kinds/custom.ts';
import { events } from './kinds/events.ts';
import { leases, nodeStatus } from './kinds/nodes.ts';
import { pods } from './kinds/pods.ts';
import { secrets } from './kinds/secrets.ts';
import { workloads } from './kinds/workloads.ts';
import type { Site, Step } from './site.ts';

/** Of a hundred writes so many are for each of them, as on a busy cluster. */
const MIX: readonly (readonly [share: number, kind: (site: Site) => Step])[] = [
  [26, leases],
  [6, nodeStatus],
  [24, pods],
  [14, events],
  [10, workloads],
  [9, configMaps],
  [6, secrets],
  [5, custom],
];
const ALL = MIX.reduce((sum, [share]) => sum + share, 0);

/** What writes one object after another, of whatever kind, without an end. */
export function writer(site: Site): Step {
  const steps = MIX.map(([share, kind]) => ({ share, step: kind(site) }));
  return async function write() {
    await picked(steps, site.random).step();
  };
}

function picked<T extends { share: number }>(of: readonly T[], random: Random): T {
  let left = random.below(ALL);
  for (const one of of) {
    left -= one.share;
    if (left < 0) return one;
  }
  throw new Error('the shares do not add up');
}
