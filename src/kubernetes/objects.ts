import type { Answer, Api } from './api.ts';
import { apiPath, type Resource } from './discovery.ts';
import { listAt, textAt } from './read.ts';

/** What kubectl asks for at a time. */
const PAGE = 500;
/** Ten million objects. */
const MAX_PAGES = 20_000;

/** How many objects there are, or why they cannot be listed. */
export type Listing = { kind: 'count'; count: number } | { kind: 'refused'; message: string };

const pathOf = ({ group, version, name }: Resource): string => `${apiPath(group, version)}/${name}`;

/**
 * Lists all objects as they were at a revision, each of which the server reads from etcd, decrypts and decodes for it.
 * (`resourceVersionMatch=Exact`: from a cache a server with a wrong key would answer nothing but that it is busy.)
 * @throws NoAnswer; what the signal says
 */
export async function countObjects(api: Api, resource: Resource, revision: number): Promise<Listing> {
  let count = 0;
  let next = '';
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const query = new URLSearchParams({ limit: String(PAGE), includeObject: 'None' });
    // A page after the first is of the same revision by itself.
    if (next === '') {
      query.set('resourceVersion', String(revision));
      query.set('resourceVersionMatch', 'Exact');
    } else query.set('continue', next);
    const { status, body, message } = await api.get(`${pathOf(resource)}?${query.toString()}`, 'rows');
    if (status !== 200) return { kind: 'refused', message };
    if (textAt(body, 'kind') !== 'Table') return { kind: 'refused', message: 'the answer is no list' };
    count += listAt(body, 'rows').length;
    next = textAt(body, 'metadata', 'continue');
    if (next === '') return { kind: 'count', count };
  }
  return { kind: 'refused', message: `more than ${PAGE * MAX_PAGES} objects` };
}

/** One object by its name, without what is in it. */
export function readObject(api: Api, resource: Resource, { namespace, name }: ObjectName): Promise<Answer> {
  const base = apiPath(resource.group, resource.version);
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return api.get(`${base}${within}/${resource.name}/${encodeURIComponent(name)}`, 'metadata');
}

export interface ObjectName {
  namespace: string | undefined;
  name: string;
}
