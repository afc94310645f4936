import type { Manifest } from '../backup/manifest.ts';
import { readManifest } from '../backup/examine.ts';
import { loadConfig, loadStoreSettings } from '../config/config.ts';
import { Failure } from '../errors.ts';
import { type ClusterClient, discover } from '../etcd/cluster/discover.ts';
import type { CommandContext } from './context.ts';
import type { InvocationOf } from './arguments.ts';
import { type Check, compareWith } from './drill-checks.ts';
import { readReceipt } from './fetch-receipt.ts';
import { openRepository, pickBackup } from './repository.ts';
import { formatSeconds } from '../util/format.ts';
import { formatJson, formatTable, line } from './output.ts';

/** How a scratch etcd compares with the backup that it was restored from: what `drill -o json` prints. */
interface Drill {
  backup: string;
  cluster: { name: string; id: string };
  same: boolean;
  checks: Check[];
  /** from the beginning of the fetch to the first answer of the restored member; only a receipt says when that was */
  wayBackSeconds?: number;
}

/** What a restored member has to hold. */
interface Original {
  manifest: Manifest;
  /** when the fetch began, RFC 3339 */
  startedAt?: string;
}

/** Asks a restored member whether it holds what the backup's manifest says. @returns the exit code */
export async function drill(
  { receipt, which, json }: InvocationOf<'drill'>,
  context: CommandContext,
): Promise<number> {
  const { env, print, signal } = context;
  const config = loadConfig(env);
  const original =
    receipt === undefined ? await readStored(which, context) : await readReceipt(receipt, signal);
  using client = await discover(config.etcd, signal);
  const result = await compare(client, original);
  print(json ? formatJson(result) : formatDrill(result));
  if (result.same) return 0;
  throw new Failure(
    'backup',
    `what was restored from ${result.backup} is not what its manifest says: do not rely on this backup, make a new one, and ` +
      'look at who or what changed it',
  );
}

async function readStored(which: string, { env, note, signal }: CommandContext): Promise<Original> {
  const repository = await openRepository(loadStoreSettings(env), signal);
  const entry = await pickBackup(repository, which, note);
  return { manifest: await readManifest(repository, entry) };
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

function formatDrill({ backup, checks, same, wayBackSeconds }: Drill): string {
  const took = wayBackSeconds === undefined ? '' : `, ${formatSeconds(wayBackSeconds)} after its fetch began`;
  return [
    formatTable([
      ['CHECK', 'MANIFEST', 'RESTORED', 'RESULT'],
      ...checks.map(({ what, expected, found, result }) => [what, String(expected), String(found), result]),
    ]),
    '\n',
    line(`${backup} ${same ? 'came back whole' : 'DID NOT COME BACK WHOLE'}${took}`),
  ].join('');
}
