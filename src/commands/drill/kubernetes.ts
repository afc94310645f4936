import { Failure, isBug, messageOf } from '../../errors.ts';
import { EtcdError } from '../../etcd/errors.ts';
import { countObjects, keysBelow, type ObjectCounts } from '../../etcd/cluster/objects.ts';
import type { Api } from '../../kubernetes/api.ts';
import { discover, type Discovery, type Resource } from '../../kubernetes/discovery.ts';
import { textAt } from '../../kubernetes/read.ts';
import { pause } from '../../util/abortable.ts';
import { AT_ONCE, inParallel } from '../../util/parallel.ts';
import { placeOf, resourceOf } from '../../util/resources.ts';
import { type ApiServer, logOf, openReady } from '../scratch-api-server.ts';
import { isToBeServed, listResource, type ResourceListing } from './listing.ts';
import type { KubernetesReport, Place, ResourceCheck, Scratch } from './types.ts';
import { readEach } from './unreadable.ts';

const DEFINITIONS = 'apiextensions.k8s.io/customresourcedefinitions/';
/** These two keep their objects as custom resources are kept. */
const WITH_GROUP: ReadonlySet<string> = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);
/** What kube-apiserver itself writes below its prefix, and shows to nobody. */
const NO_OBJECTS: ReadonlySet<string> = new Set(['ranges', 'masterleases', 'peerserverleases']);

/** Definitions are read when the server starts; their APIs come a moment after. */
const DISCOVERY_TRIES = 15;
const DISCOVERY_PAUSE_MS = 1000;

/**
 * Waits for the API server, and compares what it serves with what etcd holds.
 * @throws Failure `configuration` for the kubeconfig, `backup` where the server does not get ready or stops answering
 */
export async function compareKubernetes(
  server: ApiServer,
  scratch: Omit<Scratch, 'api'>,
): Promise<KubernetesReport> {
  const { signal, manifest } = scratch;
  using api = await openReady(server, signal, `what was restored from ${manifest.name}`);
  try {
    return await compareServed({ ...scratch, api });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failure || isBug(error)) throw error;
    const who = error instanceof EtcdError ? 'the restored member' : 'its API server';
    const message = `${who} could not be compared to the end: ${messageOf(error)}${await logOf(server, signal)}`;
    throw new Failure('backup', message, { cause: error });
  }
}

/**
 * Lists every resource as of the manifest's revision, compares how many objects are served with how many keys etcd has,
 * and reads each Secret by its name.
 * @throws NoAnswer, Refused; EtcdError; what the signal says
 */
async function compareServed(scratch: Scratch): Promise<KubernetesReport> {
  const { api, connection, prefix, manifest } = scratch;
  const version = textAt((await api.get('/version')).body, 'gitVersion');
  const stored = await countObjects(connection, prefix, manifest.revision);
  const definitions = await definedIn(scratch);
  const discovery = await discoverAll(scratch, definitions);
  const checks = new Map<string, ResourceCheck>();
  let secretsRead = 0;
  for (const resource of discovery.resources) {
    const place = placed(resource, definitions);
    // One store behind two groups, as Events have it, is one resource.
    if (checks.has(place.label)) continue;
    const check = await checkResource(scratch, place, stored.byResource.get(place.label) ?? 0);
    if (place.label === 'secrets') secretsRead = check.read;
    checks.set(place.label, check.check);
  }
  refuseOtherPrefix([...checks.values()], prefix);
  const others = notServed(stored, checks, discovery, definitions);
  const resources = [
    ...checks.values(),
    ...(await inParallel(others, AT_ONCE, (one) => unlessHidden(api, one))),
  ];
  return {
    version,
    resources: resources.toSorted((a, b) => (a.resource < b.resource ? -1 : 1)),
    secretsRead,
  };
}

/** Below another prefix there is nothing to compare with, which must not pass for a comparison. */
function refuseOtherPrefix(checks: readonly ResourceCheck[], prefix: string): void {
  const served = checks.filter((check) => (check.served ?? 0) > 0);
  if (served.length === 0 || served.some(({ stored }) => stored > 0)) return;
  throw new Failure(
    'configuration',
    `etcd has nothing of what the API server serves below ${prefix}: OBJECT_PREFIX has to be what kube-apiserver has as ` +
      '--etcd-prefix',
  );
}

/** The names of custom resources that have a definition, `widgets.example.com`. */
async function definedIn({ connection, prefix }: Scratch): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for await (const page of keysBelow(connection, `${prefix}${DEFINITIONS}`))
    for (const name of page) names.add(name);
  return names;
}

async function discoverAll({ api, signal }: Scratch, definitions: ReadonlySet<string>): Promise<Discovery> {
  for (let tries = 1; ; tries += 1) {
    const discovery = await discover(api);
    const shown = new Set(discovery.resources.map(({ name, group }) => `${name}.${group}`));
    const all = [...definitions].every((name) => shown.has(name));
    if (all || tries === DISCOVERY_TRIES) return discovery;
    await pause(DISCOVERY_PAUSE_MS, signal);
  }
}

function placed(resource: Resource, definitions: ReadonlySet<string>): Place {
  const { name, group } = resource;
  const custom = definitions.has(`${name}.${group}`);
  const within = custom || WITH_GROUP.has(group) ? group : undefined;
  const place = placeOf(name, within);
  // As the keys there are counted: long names are cut.
  return { ...resource, label: resourceOf(Buffer.from(place)).name, place, custom };
}

/** With how many objects were read by their names. */
async function checkResource(
  scratch: Scratch,
  place: Place,
  stored: number,
): Promise<{ check: ResourceCheck; read: number }> {
  const { label: resource } = place;
  const listing = await listResource(scratch, place);
  if (listing.kind === 'count' && resource !== 'secrets')
    return { check: compareCounts(resource, stored, listing.count), read: 0 };
  const readable = listing.kind === 'webhook' ? { ...place, version: listing.version } : place;
  const { read, unreadable, sealedByKms } = await readEach(scratch, readable);
  const listed = compareListed(resource, stored, listing);
  if (unreadable === undefined) return { check: listed, read };
  const result = sealedByKms ? 'not compared' : 'differs';
  return { check: { ...listed, result, reason: unreadable.reason, unreadable }, read };
}

function compareListed(resource: string, stored: number, listing: ResourceListing): ResourceCheck {
  if (listing.kind === 'count') return compareCounts(resource, stored, listing.count);
  if (listing.kind === 'webhook') return notCompared(resource, stored, CONVERTED);
  return { resource, stored, result: 'differs', reason: `it cannot be listed: ${listing.message}` };
}

const CONVERTED = 'a conversion webhook would have to be called for it, which this pod must not do';

function compareCounts(resource: string, stored: number, served: number): ResourceCheck {
  const check = { resource, stored, served };
  if (stored === served) return { ...check, result: 'same' };
  if (stored > 0) return { ...check, result: 'differs', reason: `${served} of ${stored} are served` };
  return { ...check, result: 'not compared', reason: 'it is not known where etcd has them' };
}

/** What etcd has and this API server does not show, and what another server would show. */
function notServed(
  { byResource, total }: ObjectCounts,
  checks: ReadonlyMap<string, ResourceCheck>,
  { aggregated, unanswered }: Discovery,
  definitions: ReadonlySet<string>,
): ResourceCheck[] {
  const counted = [...byResource.values()].reduce((sum, count) => sum + count, 0);
  const left = [...byResource].filter(([resource]) => !checks.has(resource));
  return [
    ...left.map(([resource, stored]) => notCompared(resource, stored, whyNotServed(resource, definitions))),
    ...[...unanswered].map(([name, why]) => notCompared(name, 0, `it is not served: ${why}`)),
    ...aggregated.map(({ name, service }) =>
      notCompared(
        name,
        0,
        `the Service ${service} serves it (an aggregated API), which this pod must not call`,
      ),
    ),
    ...(counted < total ? [notCompared('(others)', total - counted, 'there are too many resources')] : []),
  ];
}

const notCompared = (resource: string, stored: number, reason: string): ResourceCheck => ({
  resource,
  stored,
  result: 'not compared',
  reason,
});

/** As it is, but for what the API server has a definition of that is in force: not to show it is no reason to let it pass. */
async function unlessHidden(api: Api, check: ResourceCheck): Promise<ResourceCheck> {
  if (check.reason !== NO_VERSION || !(await isToBeServed(api, check.resource))) return check;
  return {
    ...check,
    result: 'differs',
    reason: 'its CustomResourceDefinition is established, and it is not served',
  };
}

const NO_VERSION = 'its CustomResourceDefinition is there, and serves no version of it';

function whyNotServed(resource: string, definitions: ReadonlySet<string>): string {
  if (NO_OBJECTS.has(resource)) return "the API server's own records";
  if (definitions.has(resource)) return NO_VERSION;
  return resource.includes('.')
    ? 'nothing serves it: its CustomResourceDefinition is gone'
    : 'this version of Kubernetes does not know it';
}
