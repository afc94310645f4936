/**
 * Where kube-apiserver keeps a resource under another name than its own (SpecialDefaultResourcePrefixes in
 * pkg/kubeapiserver/default_storage_factory_builder.go).
 */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['controllers', 'replicationcontrollers'],
  ['ingress', 'ingresses'],
  ['minions', 'nodes'],
  ['services/endpoints', 'endpoints'],
  ['services/specs', 'services'],
]);

/**
 * What stands behind `/registry/` in the keys of a resource's objects: the reverse of `resourceOf`.
 * @param group of a custom resource, or of one that is kept like those; undefined for Kubernetes' own
 */
export function placeOf(resource: string, group: string | undefined): string {
  if (group !== undefined) return `${group}/${resource}/`;
  const renamed = [...RENAMED].find(([, name]) => name === resource);
  return `${renamed?.[0] ?? resource}/`;
}

const SLASH = 0x2f;
const DOT = 0x2e;
/** Of a service the key has one part more. */
const SERVICES = 'services/';
const MAX_NAME = 120;

/**
 * The resource that a key belongs to, by what stands behind `/registry/`: `RESOURCE/...`, or `GROUP/RESOURCE/...` where
 * the first part has a dot, as every custom resource's group has. `length` is that of the resource's part with its
 * slash, in bytes.
 */
export function resourceOf(key: Buffer): { name: string; length: number } {
  const first = partEnd(key, 0, key.length);
  const head = key.subarray(0, first).toString();
  if (!hasTwoParts(key, 0, first)) return { name: nameOf(head), length: first };
  const length = partEnd(key, first, key.length);
  const resource = key.subarray(first, length).toString();
  const name = nameOf(head === SERVICES ? `${head}${resource}` : `${bare(resource)}.${bare(head)}`);
  return { name, length };
}

/** Where the resource's part of a key ends that begins at `from`: the same without a text. */
export function resourceEnd(bytes: Buffer, from: number, to: number): number {
  const first = partEnd(bytes, from, to);
  return hasTwoParts(bytes, from, first) ? partEnd(bytes, first, to) : first;
}

/** Behind the next slash, or at the end. */
export function partEnd(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at += 1) if (bytes[at] === SLASH) return at + 1;
  return to;
}

function hasTwoParts(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at] === DOT) return true;
  return to - from === SERVICES.length && bytes.toString('latin1', from, to) === SERVICES;
}

const bare = (text: string): string => text.replace(/\/$/, '');

/** Anybody may write any key: what is no name becomes one that a table, a log and a label can hold. */
function nameOf(text: string): string {
  const name = bare(text);
  const plain = name.replaceAll(/[^\p{L}\p{N}\p{P}\p{S}]/gu, '?').slice(0, MAX_NAME);
  return RENAMED.get(name) ?? (plain === '' ? '(no name)' : plain);
}
