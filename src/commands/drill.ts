import { readManifest } from '../backup/examine.ts';
import type { Manifest } from '../backup/manifest.ts';
import { type Config, loadConfig, loadStoreSettings } from '../config/config.ts';
import { exitCodeOf, Failure } from '../errors.ts';
import { type ClusterClient, discover } from '../etcd/cluster/discover.ts';
import { tellOfDrill } from '../sinks/drill.ts';
import type { InvocationOf } from './arguments.ts';
import type { CommandContext } from './context.ts';
import { compareWith } from './drill/checks.ts';
import { compareKubernetes } from './drill/kubernetes.ts';
import { type Drill, formatDrill, wrongIn } from './drill/report.ts';
import { readReceipt } from './fetch-receipt.ts';
import { formatJson } from './output.ts';
import { openRepository, pickBackup } from './repository.ts';

/** What a restored member has to hold. */
interface Original {
  manifest: Manifest;
  /** when the fetch began, RFC 3339 */
  startedAt?: string;
}

/** What came of a drill: the figures, as far as it came, and what it ends with where it failed. */
interface Outcome {
  drill?: Drill;
  failure?: Failure;
}

/**
 * Asks a restored member whether it holds what the backup's manifest says, and an API server on it, where there is one,
 * whether it can use that. @returns the exit code
 */
export async function drill(invocation: InvocationOf<'drill'>, context: CommandContext): Promise<number> {
  const { receipt, which, json } = invocation;
  const { env, print, note, signal } = context;
  const config = loadConfig(env);
  const original =
    receipt === undefined ? await readStored(which, context) : await readReceipt(receipt, signal);
  const { drill: result, failure } = await conduct(original, config, invocation, context);
  if (result) print(json ? formatJson(result) : formatDrill(result));
  const figures = {
    exitCode: failure === undefined ? 0 : exitCodeOf(failure),
    wayBackSeconds: result?.wayBackSeconds,
    resources: result?.kubernetes?.resources ?? [],
  };
  const untold = await tellOfDrill(figures, original.manifest.cluster.name, config.sinks, signal);
  if (untold !== undefined) note(untold);
  if (failure) throw failure;
  return 0;
}

async function readStored(which: string, { env, note, signal }: CommandContext): Promise<Original> {
  const repository = await openRepository(loadStoreSettings(env), signal);
  const entry = await pickBackup(repository, which, note);
  return { manifest: await readManifest(repository, entry) };
}

async function conduct(
  original: Original,
  config: Config,
  { server }: InvocationOf<'drill'>,
  { signal }: CommandContext,
): Promise<Outcome> {
  const { manifest } = original;
  let found: Drill | undefined;
  try {
    using client = await discover(config.etcd, signal);
    found = await compare(client, original);
    // An API server on what is not the backup would prove nothing.
    if (!found.same) return { drill: found, failure: differs(found) };
    if (server === undefined) return { drill: found };
    const [connection] = client.connections.values();
    if (connection === undefined) return { drill: found };
    const kubernetes = await compareKubernetes(server, {
      connection,
      prefix: config.objectPrefix,
      manifest,
      signal,
    });
    const same = kubernetes.resources.every(({ result }) => result !== 'differs');
    found = { ...found, same, kubernetes };
    return { drill: found, ...(!same && { failure: unusable(found.backup, wrongIn(kubernetes)) }) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failure)
      return { failure: error, ...(found && { drill: { ...found, same: false } }) };
    throw error;
  }
}

async function compare(client: ClusterClient, { manifest, startedAt }: Original): Promise<Drill> {
  const answeredAt = Date.now();
  refuseOriginal(client, manifest);
  const checks = await compareWith(manifest, client);
  return {
    backup: manifest.name,
    cluster: manifest.cluster,
    same: checks.every(({ result }) => result !== 'differs'),
    checks,
    ...(startedAt !== undefined && {
      wayBackSeconds: Math.max(0, answeredAt - Date.parse(startedAt)) / 1000,
    }),
  };
}

/** The cluster that the backup was taken of would pass as well, and prove nothing. */
function refuseOriginal({ id, settings }: ClusterClient, { cluster }: Manifest): void {
  if (id !== cluster.id) return;
  throw new Failure(
    'configuration',
    `the etcd at ${settings.endpoints.join(', ')} has the ID of the cluster that the backup was taken of (${id}): a drill ` +
      'needs one that was restored from it, with an --initial-cluster-token of its own',
  );
}

const differs = ({ backup }: Drill): Failure =>
  new Failure(
    'backup',
    `what was restored from ${backup} is not what its manifest says: do not rely on this backup, make a new one, and ` +
      'look at who or what changed it',
  );

const unusable = (backup: string, wrong: string): Failure =>
  new Failure(
    'backup',
    `what was restored from ${backup} is whole, and Kubernetes cannot use all of it: ${wrong}. Where objects are encrypted, is ` +
      'the EncryptionConfiguration that of the time of the backup (drill.kubernetes.encryptionConfig)? Else, is the API server ' +
      'of the version that wrote them (drill.kubernetes.image)? What it cannot read here a restore would not bring back',
  );
