import type { Config } from '../config/config.ts';
import { type ClusterClient, discover } from '../etcd/cluster/discover.ts';
import { inspect } from '../etcd/cluster/inspect.ts';
import type { ClusterStatus } from '../etcd/types.ts';
import type { StepEnd } from '../plan/steps.ts';

interface InspectInput {
  config: Pick<Config, 'etcd' | 'consistencyCheck' | 'backup'>;
  signal: AbortSignal;
  /** told as soon as it is known, so that it is in the report however the step ends */
  onCluster: (clusterId: string) => void;
}

/**
 * Finds the members and reads what the plan has to know of them, without writing anything.
 * @throws Failure `unreachable`, `configuration`
 */
export async function inspectCluster({
  config,
  signal,
  onCluster,
}: InspectInput): Promise<StepEnd & { client: ClusterClient; cluster: ClusterStatus }> {
  const client = await discover(config.etcd, signal);
  const { consistencyCheck, backup } = config;
  try {
    onCluster(client.id);
    const cluster = await inspect(client, { consistencyCheck, evenOne: wantsHash(backup) });
    const count = cluster.members.length;
    const reason = `${count === 1 ? 'one member' : `${count} members`}, revision ${cluster.revision}`;
    return { status: 'done', reason, client, cluster };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Whether a backup is made whose hash its member has to tell: a drill compares it. One that is looked into has its own. */
const wantsHash = ({ enabled, checkStructure }: Config['backup']): boolean => enabled && !checkStructure;
