import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { CHART, valuesFiles } from './chart.ts';

/** What the tests do to values before an installer gets them. */

export type Values = Record<string, unknown>;

export const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const readValues = async (file: string): Promise<Values> => parse(await readFile(file, 'utf8')) ?? {};

export const DEFAULT_VALUES = await readValues(join(CHART, 'values.yaml'));

/** An object of each kind that the chart can make. */
export const EVERY_KIND = {
  hostNetwork: false,
  etcd: { tls: { existingSecret: 'etcd-client' } },
  backup: { persistence: { enabled: true } },
  drill: { enabled: true, kubernetes: { image: 'kube-apiserver:v1.36.3' } },
  browse: { enabled: true },
  prometheusRule: { enabled: true },
  dashboard: { enabled: true },
  networkPolicy: { enabled: true },
};

export const presetFiles = async (): Promise<string[]> =>
  (await valuesFiles()).filter((file) => basename(join(file, '..')) === 'presets');

/** The path of each key, of those that hold others too. */
export function pathsOf(values: Values, above: string[] = []): string[][] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = [...above, key];
    return isMap(value) ? [path, ...pathsOf(value, path)] : [path];
  });
}

/** Below these Helm's own meaning holds: null takes away what the default has there. */
const FREE =
  /^(dashboard\.labels|podSecurityContext|resources|securityContext|drill\.resources|drill\.kubernetes\.resources)\./;

/** Where null means the default. */
export const KNOWN_PATHS = pathsOf(DEFAULT_VALUES).filter((path) => !FREE.test(path.join('.')));

export const valueAt = (values: Values, path: string[]): unknown =>
  path.reduce<unknown>((value, key) => (isMap(value) ? value[key] : undefined), values);

export function withNull(values: Values, [key = '', ...rest]: string[]): Values {
  if (rest.length === 0) return { ...values, [key]: null };
  const value = values[key];
  return { ...values, [key]: withNull(isMap(value) ? value : {}, rest) };
}

export function without(values: Values, [key = '', ...rest]: string[]): Values {
  const { [key]: value, ...others } = values;
  return rest.length === 0 || !isMap(value) ? others : { ...others, [key]: without(value, rest) };
}

/** The values, and null in every known key of that level that they do not set. */
export function nullsAt(depth: number, base: Values): Values {
  const given = new Set(pathsOf(base).map((path) => path.join('.')));
  const left = KNOWN_PATHS.filter((path) => path.length === depth && !given.has(path.join('.')));
  return left.reduce(withNull, base);
}

/** The same values with other scalars; lists and maps stay what they are. */
export function mapScalars(values: Values, change: (scalar: unknown) => unknown): Values {
  const copy: unknown = JSON.parse(JSON.stringify(values), (_, value: unknown) =>
    typeof value === 'object' && value !== null ? value : change(value),
  );
  return isMap(copy) ? copy : {};
}

/** As a person, Terraform or Argo CD hands them over one by one: texts, other scalars, and whole lists and maps. */
export function setArguments(values: Values, above = ''): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = above + escaped(key, /[\\.,=[\]]/g);
    if (isMap(value) && Object.keys(value).length > 0) return setArguments(value, `${path}.`);
    if (typeof value === 'string') return [`--set-string=${path}=${escaped(value, /[\\,{}]/g)}`];
    if (typeof value === 'object' && value !== null) return [`--set-json=${path}=${JSON.stringify(value)}`];
    return [`--set=${path}=${String(value)}`];
  });
}

const escaped = (text: string, special: RegExp): string => text.replaceAll(special, String.raw`\$&`);
