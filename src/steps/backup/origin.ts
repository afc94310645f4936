import type { Encoding } from '../../backup/codec.ts';
import type { Manifest } from '../../backup/manifest.ts';
import { backupName } from '../../backup/names.ts';
import { countKeys } from '../../etcd/client/keys.ts';
import { identityOf } from '../../etcd/cluster/discover.ts';
import { status } from '../../etcd/client/status.ts';
import { EtcdError } from '../../etcd/errors.ts';
import { type MemberStatus, otherThan } from '../../etcd/types.ts';
import { quotaFor } from '../../plan/members.ts';
import { clockFrom } from '../../util/time.ts';
import type { Task } from './types.ts';

/** Where the snapshot comes from. */
export interface Origin {
  startedAt: Date;
  clock: () => Date;
  status: MemberStatus;
  /** how many there were at `revision` */
  keys: number;
  revision: number;
}

/** Far more than it takes: etcd counts keys in its index alone, without a look at the data. */
const COUNT_TIMEOUT_MS = 60_000;

/** Read before the snapshot is: every write up to this revision is then in there. */
export async function readOrigin({ client, connection, member }: Task): Promise<Origin> {
  const startedAt = new Date();
  const clock = clockFrom(startedAt);
  const found = await status(connection);
  const other = otherThan(identityOf(client, member), found);
  if (other !== undefined)
    throw new EtcdError('other-member', `${other} now answers at ${connection.endpoint}`);
  return { startedAt, clock, status: found, ...(await countKeys(connection, COUNT_TIMEOUT_MS)) };
}

export function nameOf({ startedAt, revision }: Origin, { compression, encrypt }: Encoding): string {
  return backupName({ at: startedAt, revision, compression, encrypted: encrypt !== undefined });
}

/** What was found out while the backup was made. */
type Made = Pick<Manifest, 'raw' | 'stored' | 'usage' | 'hashKV'>;

/** The member's own word, where the backup's hash was not computed. */
const toldHash = ({ hashes }: Task['cluster'], { id }: Task['member']): Manifest['hashKV'] =>
  'byMember' in hashes ? hashes.byMember[id] : undefined;

export function manifestOf(
  { client, cluster, clusterName, config, hide, member, plan, version }: Task,
  name: string,
  { startedAt, clock, status: before, keys, revision }: Origin,
  { raw, stored, usage, hashKV = toldHash(cluster, member) }: Made,
): Manifest {
  const quota = quotaFor(member, cluster, config);
  return {
    format: 1,
    name,
    cluster: { name: clusterName, id: client.id },
    member: { id: member.id, name: member.name },
    etcdVersion: before.version,
    revision,
    raftTerm: before.raftTerm,
    raftAppliedIndex: before.raftAppliedIndex,
    startedAt: startedAt.toISOString(),
    finishedAt: clock().toISOString(),
    raw,
    stored,
    compression: config.backup.compression,
    encryption: { recipients: [...config.backup.recipients] },
    keys,
    database: { inUse: before.dbSizeInUse, ...(quota.kind === 'known' && { quota: quota.bytes }) },
    ...(hashKV && { hashKV }),
    ...(usage && { usage }),
    ...(config.nodeName !== undefined && { node: config.nodeName }),
    problems: plan.problems.map(hide),
    createdBy: { name: 'etcd-upkeep', version },
  };
}
