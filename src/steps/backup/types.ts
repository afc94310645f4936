import type { Config } from '../../config/config.ts';
import type { Connection } from '../../etcd/client/connection.ts';
import type { ClusterClient } from '../../etcd/cluster/discover.ts';
import type { ClusterStatus, Member } from '../../etcd/types.ts';
import type { Log } from '../../log.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Store } from '../../storage/store.ts';

export interface BackupInput {
  client: ClusterClient;
  cluster: ClusterStatus;
  clusterName: string;
  config: Pick<Config, 'backup' | 'nodeName' | 'objectPrefix' | 'quotaBytes'>;
  plan: Pick<Plan, 'steps' | 'sources' | 'problems'>;
  store: Store;
  version: string;
  log: Log;
  signal: AbortSignal;
  hide: (text: string) => string;
  /** takes what the report is to warn of */
  warn: (warning: string) => void;
}

/** A backup of one member. `signal` is the run's and that of BACKUP_TIMEOUT, which the store obeys too. */
export interface Task extends BackupInput {
  member: Member;
  connection: Connection;
}

/** How long a backup took. */
export interface Times {
  streamSeconds: number;
  readBackSeconds: number;
}
