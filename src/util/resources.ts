/**
 * Where kube-apiserver keeps a resource under another name than its own (SpecialDefaultResourcePrefixes in
 * pkg/kubeapiserver/default_storage_factory_builder.go).
 */
const RENAMED: Readonly<Record<string, string>> = {
  controllers: 'replicationcontrollers',
  ingress: 'ingresses',
  minions: 'nodes',
  'services/endpoints': 'endpoints',
  'services/specs': 'services',
};

const SLASH = 0x2f;
const MAX_NAME = 120;

/**
 * The resource that a key belongs to, by what stands behind `/registry/`: `RESOURCE/...`, or `GROUP/RESOURCE/...` where
 * the first part has a dot, as every custom resource's group has. `length` is that of the resource's part with its
 * slash, in bytes.
 */
export function resourceOf(key: Buffer): { name: string; length: number } {
  const first = lengthOf(key, 0);
  const head = key.subarray(0, first).toString();
  const isGroup = head.includes('.');
  if (!isGroup && head !== 'services/') return { name: nameOf(head), length: first };
  const length = lengthOf(key, first);
  const resource = key.subarray(first, length).toString();
  return { name: nameOf(isGroup ? `${bare(resource)}.${bare(head)}` : `${head}${resource}`), length };
}

/** Up to the next slash and with it, or to the end. */
function lengthOf(key: Buffer, from: number): number {
  const slash = key.indexOf(SLASH, from);
  return slash < 0 ? key.length : slash + 1;
}

const bare = (text: string): string => text.replace(/\/$/, '');

/** Anybody may write any key: what is no name becomes one that a table, a log and a label can hold. */
function nameOf(text: string): string {
  const name = bare(text);
  const plain = name.replaceAll(/[^\p{L}\p{N}\p{P}\p{S}]/gu, '?').slice(0, MAX_NAME);
  return RENAMED[name] ?? (plain === '' ? '(no name)' : plain);
}
