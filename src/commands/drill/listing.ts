import type { Api } from '../../kubernetes/api.ts';
import { countObjects, type Listing } from '../../kubernetes/objects.ts';
import { at, listAt, textAt } from '../../kubernetes/read.ts';
import type { Place, Scratch } from './types.ts';

/** The objects of a resource, or why there is no counting them. */
export type ResourceListing = Listing | { kind: 'not compared'; reason: string };

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/**
 * A custom resource whose versions only a webhook can turn into each other is listed in the version that it is stored
 * in: then nobody has to be called. Objects that an older version has stored still need it, and are not compared.
 * @throws NoAnswer; what the signal says
 */
export async function listResource(
  { api, manifest }: Pick<Scratch, 'api' | 'manifest'>,
  resource: Place,
): Promise<ResourceListing> {
  const first = await countObjects(api, resource, manifest.revision);
  if (first.kind === 'count' || !resource.custom) return first;
  const version = await convertedBy(api, resource.label);
  if (version === undefined) return first;
  if (version !== '' && version !== resource.version) {
    const stored = await countObjects(api, { ...resource, version }, manifest.revision);
    if (stored.kind === 'count') return stored;
  }
  return {
    kind: 'not compared',
    reason: 'a conversion webhook would have to be called for it, which this pod must not do',
  };
}

/** The served version that objects are stored in, empty where there is none; undefined where no webhook converts them. */
async function convertedBy(api: Api, name: string): Promise<string | undefined> {
  const { body } = await api.get(`${DEFINITIONS}/${encodeURIComponent(name)}`);
  if (textAt(body, 'spec', 'conversion', 'strategy') !== 'Webhook') return undefined;
  const stored = listAt(body, 'spec', 'versions').find(
    (version) => at(version, 'storage') === true && at(version, 'served') === true,
  );
  return textAt(stored, 'name');
}
