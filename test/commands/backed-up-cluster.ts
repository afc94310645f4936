import { join } from 'node:path';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded } from '../support/run-assertions.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

/** A cluster, and a store that real runs put backups of it into. */
export interface BackedUpCluster extends AsyncDisposable {
  cluster: Cluster;
  /** The store's root. */
  root: string;
  /** The cluster's folder in it. */
  folder: string;
  /** What the commands need to know. */
  env: Record<string, string>;
  /** Makes one more backup; its name. */
  backUp(env?: Record<string, string>): Promise<string>;
}

/** What a run needs to do nothing but back up. */
const BACKUP_ONLY = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false', CLUSTER_NAME: 'prod' };

export async function startBackedUpCluster(): Promise<BackedUpCluster> {
  const stack = new AsyncDisposableStack();
  try {
    const scratch = stack.use(await scratchFolder('store'));
    const cluster = stack.use(await startCluster());
    const env = { BACKUP_STORE: `file://${scratch.path}` };
    return {
      cluster,
      root: scratch.path,
      folder: join(scratch.path, 'prod'),
      env,
      async backUp(extra) {
        const result = await runJob({ ...cluster.env, ...BACKUP_ONLY, ...env, ...extra });
        return assertRunEnded(result, 0, 'nothing-needed').backup?.name ?? '';
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
