import type { Answer, Api } from './api.ts';
import { at, listAt, textAt } from './read.ts';

/** A resource that can be listed. */
export interface Resource {
  /** empty for the core group */
  group: string;
  version: string;
  /** plural, as in its path: `secrets` */
  name: string;
  namespaced: boolean;
}

/** An API that another server has, behind a Service of the cluster. */
export interface AggregatedApi {
  /** of its APIService: `v1beta1.metrics.k8s.io` */
  name: string;
  service: string;
}

export interface Discovery {
  resources: readonly Resource[];
  aggregated: readonly AggregatedApi[];
  /** group and version whose resources could not be learnt, and why */
  unanswered: ReadonlyMap<string, string>;
}

/** Nobody has more, and a server that goes on for ever is not listened to. */
const MAX_GROUPS = 2000;
const MAX_RESOURCES = 1000;

const API_SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices?limit=1000';
/** It is made up on the spot, by asking the scheduler and others how they are. */
const NOT_STORED: ReadonlySet<string> = new Set(['componentstatuses']);

/** Where a group and version are served. */
export const apiPath = (group: string, version: string): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;

/**
 * Every resource that can be listed, once for each group: in the group's preferred version, or else in the first that has
 * it. What another server has is only named: it is not asked.
 * @throws NoAnswer; Error where the answers are none
 */
export async function discover(api: Api): Promise<Discovery> {
  const aggregated = await aggregatedApis(api);
  const others = new Set(aggregated.map(({ name }) => name));
  const unanswered = new Map<string, string>();
  const found = new Map<string, Resource>();
  for (const { group, version } of await groupVersions(api)) {
    if (others.has(`${version}.${group}`)) continue;
    const path = apiPath(group, version);
    const answer = await api.get(path);
    // Without the core there is no Kubernetes; of the others, that one is not served is told.
    const problem = problemOf(answer, 'APIResourceList');
    if (problem !== undefined && group === '') throw new Refused(path, problem);
    if (problem !== undefined) unanswered.set(`${group}/${version}`, problem);
    for (const resource of resourcesIn(answer.body, group, version)) {
      const key = `${resource.name}.${group}`;
      if (!found.has(key)) found.set(key, resource);
    }
  }
  // Whoever answers without a refusal and shows nothing would else pass for a Kubernetes of which nothing is amiss.
  if (!found.has('secrets.')) throw new Refused(apiPath('', 'v1'), 'a list without Secrets');
  return { resources: [...found.values()], aggregated, unanswered };
}

async function aggregatedApis(api: Api): Promise<AggregatedApi[]> {
  const { body } = await expect(api, API_SERVICES, 'APIServiceList');
  return listAt(body, 'items').flatMap((item) => {
    const service = at(item, 'spec', 'service');
    if (typeof service !== 'object' || service === null) return [];
    const name = textAt(item, 'metadata', 'name');
    return [{ name, service: `${textAt(service, 'namespace')}/${textAt(service, 'name')}` }];
  });
}

/** The preferred version of each group first. */
async function groupVersions(api: Api): Promise<{ group: string; version: string }[]> {
  const { body } = await expect(api, '/apis', 'APIGroupList');
  const groups = listAt(body, 'groups').slice(0, MAX_GROUPS);
  const named = groups.flatMap((one) => {
    const preferred = textAt(one, 'preferredVersion', 'version');
    const versions = listAt(one, 'versions').map((version) => textAt(version, 'version'));
    const inOrder = new Set([preferred, ...versions].filter((version) => version !== ''));
    return [...inOrder].map((version) => ({ group: textAt(one, 'name'), version }));
  });
  return [{ group: '', version: 'v1' }, ...named];
}

function resourcesIn(body: unknown, group: string, version: string): Resource[] {
  return listAt(body, 'resources')
    .slice(0, MAX_RESOURCES)
    .map((item) => ({
      name: textAt(item, 'name'),
      namespaced: at(item, 'namespaced') === true,
      listed: listAt(item, 'verbs').includes('list'),
    }))
    .filter(({ name, listed }) => listed && name !== '' && !name.includes('/') && !NOT_STORED.has(name))
    .map(({ name, namespaced }) => ({ group, version, name, namespaced }));
}

async function expect(api: Api, path: string, kind: string): Promise<Answer> {
  const answer = await api.get(path);
  const problem = problemOf(answer, kind);
  if (problem === undefined) return answer;
  throw new Refused(path, problem);
}

/** Undefined for the answer that was asked for. */
function problemOf({ status, body, message }: Answer, kind: string): string | undefined {
  if (status !== 200) return message || `status ${status}`;
  return textAt(body, 'kind') === kind ? undefined : `something that is no ${kind}`;
}

/** What every API server answers was refused, or is not what was asked for. */
export class Refused extends Error {
  constructor(path: string, message: string) {
    super(`it answers ${path} with: ${message}`);
  }
}
