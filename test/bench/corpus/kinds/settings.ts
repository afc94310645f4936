import type { Random } from '../../../support/random.ts';
import type { Site, Step } from '../site.ts';
import { address, image, labels, many, name, suffix, word } from '../text.ts';

/** Of one writer. */
const SMALL = 12;
const LARGE = 3;
const PANELS = 40;

/** ConfigMaps: files of settings, a few large ones (dashboards), and one that a controller keeps its state in. */
export function configMaps({ api, random, namespace, time }: Site): Step {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const apply = (map: string, data: Record<string, string>) =>
    api.change(`${path}/${map}`, 'helm', 'apply', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: map, labels: labels(map.replace(/-\d+$/, '')) },
      data,
    });
  return async function configure() {
    const chance = random.below(10);
    if (chance === 0)
      return apply(`dashboard-${random.below(LARGE)}`, { 'dashboard.json': dashboard(random) });
    if (chance < 5) return apply(`settings-${random.below(SMALL)}`, { 'app.properties': properties(random) });
    const status = `Cluster-autoscaler status at ${time()}:\n${properties(random, 12)}`;
    return apply('controller-status', { status });
  };
}

const properties = (random: Random, lines = 60): string =>
  many(lines, () => `${word(random)}.${word(random)}.${word(random)} = ${value(random)}\n`).join('');

const value = (random: Random): string =>
  random.pick([
    () => String(random.below(65_536)),
    () => `http://${name(random)}.${word(random)}.svc:${8000 + random.below(999)}/${word(random)}`,
    () => random.pick(['true', 'false']),
    () => `${random.below(120)}s`,
    () => address(random),
    () => image(random),
    () => `# ${word(random)} the ${word(random)} of each ${word(random)}, see ${name(random)}`,
  ])();

const dashboard = (random: Random): string =>
  JSON.stringify(
    {
      title: name(random),
      uid: suffix(random, 9),
      panels: many(PANELS, (id) => ({
        id,
        type: random.pick(['timeseries', 'stat', 'gauge', 'table']),
        title: `${word(random)} ${word(random)} by ${word(random)}`,
        gridPos: { h: 8, w: 12, x: (id % 2) * 12, y: Math.floor(id / 2) * 8 },
        datasource: { type: 'prometheus', uid: '${datasource}' },
        targets: many(3, () => ({
          expr: `sum(rate(${word(random)}_${word(random)}_total{namespace="$namespace",job="${name(random)}"}[5m])) by (${word(random)})`,
          legendFormat: `{{${word(random)}}}`,
        })),
        fieldConfig: {
          defaults: { unit: random.pick(['s', 'bytes', 'reqps']), thresholds: { mode: 'absolute' } },
        },
      })),
    },
    null,
    2,
  );
