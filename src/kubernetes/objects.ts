import { type Answer, type Api, TooLong } from './api.ts';
import { apiPath, type Resource } from './discovery.ts';
import { listAt, textAt } from './read.ts';

/**
 * What kubectl asks for at a time, and then less and less: a row has what a custom resource's definition puts into its
 * columns, which may be as long as the object.
 */
const PAGES = [500, 50, 5, 1] as const;
/** Ten million objects, where a page has all that it may. */
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
  const limits = [...PAGES];
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const query = new URLSearchParams({ limit: String(limits[0]), includeObject: 'None' });
    // A page after the first is of the same revision by itself.
    if (next === '') {
      query.set('resourceVersion', String(revision));
      query.set('resourceVersionMatch', 'Exact');
    } else query.set('continue', next);
    const answer = await pageOf(api, `${pathOf(resource)}?${query.toString()}`, limits.length > 1);
    if (answer === 'too long') {
      limits.shift();
      continue;
    }
    const { status, body, message } = answer;
    if (status !== 200) return { kind: 'refused', message };
    if (textAt(body, 'kind') !== 'Table') return { kind: 'refused', message: 'the answer is no list' };
    count += listAt(body, 'rows').length;
    next = textAt(body, 'metadata', 'continue');
    if (next === '') return { kind: 'count', count };
  }
  return { kind: 'refused', message: `more than ${MAX_PAGES} pages of objects` };
}

async function pageOf(api: Api, path: string, mayBeLess: boolean): Promise<Answer | 'too long'> {
  try {
    return await api.get(path, 'rows');
  } catch (error) {
    if (error instanceof TooLong && mayBeLess) return 'too long';
    throw error;
  }
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
