import type { Api } from '../../kubernetes/api.ts';
import { countObjects, type Listing } from '../../kubernetes/objects.ts';
import { at, listAt, textAt } from '../../kubernetes/read.ts';
import type { Place, Scratch } from './types.ts';

/** The objects of a resource, or why there is no counting them; `version` is the one to read each of them in then. */
export type ResourceListing = Listing | { kind: 'webhook'; version: string };

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/**
 * A custom resource whose versions only a webhook can turn into each other is listed in the version that it is stored
 * in: then nobody has to be called. Objects that an older version has stored still need it. A list ends at the first that
 * does, and says nothing of those behind it.
 * @throws NoAnswer; what the signal says
 */
export async function listResource(
  { api, manifest }: Pick<Scratch, 'api' | 'manifest'>,
  resource: Place,
): Promise<ResourceListing> {
  const first = await countObjects(api, resource, manifest.revision);
  if (first.kind === 'count' || !resource.custom) return first;
  const stored = await convertedBy(api, `${resource.name}.${resource.group}`);
  if (stored === undefined) return first;
  const version = stored || resource.version;
  if (version !== resource.version) {
    const second = await countObjects(api, { ...resource, version }, manifest.revision);
    if (second.kind === 'count') return second;
  }
  return { kind: 'webhook', version };
}

/** The served version that objects are stored in, empty where there is none; undefined where no webhook converts them. */
async function convertedBy(api: Api, name: string): Promise<string | undefined> {
  const definition = await definitionOf(api, name);
  if (textAt(definition, 'spec', 'conversion', 'strategy') !== 'Webhook') return undefined;
  const stored = listAt(definition, 'spec', 'versions').find(
    (version) => at(version, 'storage') === true && at(version, 'served') === true,
  );
  return textAt(stored, 'name');
}

/** Whether a definition, by its name, is in force and has a version that is served: then its resource has to be shown. */
export async function isToBeServed(api: Api, name: string): Promise<boolean> {
  const definition = await definitionOf(api, name);
  const established = listAt(definition, 'status', 'conditions').some(
    (condition) => textAt(condition, 'type') === 'Established' && textAt(condition, 'status') === 'True',
  );
  return established && listAt(definition, 'spec', 'versions').some((one) => at(one, 'served') === true);
}

const definitionOf = async (api: Api, name: string): Promise<unknown> =>
  (await api.get(`${DEFINITIONS}/${encodeURIComponent(name)}`)).body;
