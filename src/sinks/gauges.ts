import { Gauge, Registry } from 'prom-client';
import { printable } from '../util/printable.ts';

/** One series of a metric; undefined is left out. */
export type Value = readonly [value: number | undefined, labels?: Readonly<Record<string, string>>];

/** What is told of a subject, in Prometheus' conventions: base units, one label `cluster` on all. */
export interface Metric<Subject> {
  /** without the prefix of all of them */
  readonly name: string;
  readonly help: string;
  /** `now`: when it ended, in seconds since 1970 */
  readonly values: (subject: Subject, now: number) => readonly Value[];
}

const PREFIX = 'etcd_upkeep_';

/** All metrics of one subject; those that it has no value of are left out. */
export function gaugesOf<Subject>(
  metrics: readonly Metric<Subject>[],
  subject: Subject,
  cluster: string,
  now: Date,
): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ cluster });
  for (const { name, help, values } of metrics)
    addGauge(registry, { name: `${PREFIX}${name}`, help }, values(subject, now.getTime() / 1000));
  return registry;
}

/** A series for each of the values that there are; no metric at all without any. */
function addGauge(registry: Registry, what: { name: string; help: string }, values: readonly Value[]): void {
  const known = values.filter(([value]) => value !== undefined);
  if (known.length === 0) return;
  const labelNames = Object.keys(known[0]?.[1] ?? {});
  const gauge = new Gauge({ ...what, labelNames, registers: [registry] });
  for (const [value = 0, labels = {}] of known) gauge.set(shownLabels(labels), value);
}

/** A member's name, or a key, may hold what a terminal obeys, and this format has no escapes for it. */
const shownLabels = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([label, text]) => [label, printable(text)]));
