import { randomBytes } from 'node:crypto';
import type { Etcd3 } from 'etcd3';
import { connectEtcd } from './etcd-client.ts';
import type { Cluster } from './cluster-handle.ts';
import { openConnection, shortField } from './raw-grpc.ts';

export interface FillOptions {
  prefix?: string;
  /** Live keys. */
  keys: number;
  valueBytes: number;
  /** How often every key is written again after the first time: history to compact. */
  overwrites?: number;
  /** Text like Kubernetes' objects instead of random bytes. */
  compressible?: boolean;
}

const DEFAULT_PREFIX = '/registry/configmaps/default/';
/** etcd refuses requests above 1.5 MiB, and transactions of more than 128 operations. */
const MAX_BATCH_BYTES = 2 ** 20;
const MAX_BATCH_KEYS = 128;
const BATCHES_IN_FLIGHT = 8;
const PUTS_IN_FLIGHT = 256;

/** Writes keys `<prefix>000000`, ... in transactions, so one revision for many keys. */
export async function fill(cluster: Cluster, options: FillOptions): Promise<void> {
  const { prefix = DEFAULT_PREFIX, keys, valueBytes, overwrites = 0, compressible = false } = options;
  const perBatch = Math.max(1, Math.min(MAX_BATCH_KEYS, Math.floor(MAX_BATCH_BYTES / (valueBytes + 100))));
  const value = compressible ? textOf : randomBytes;
  const batches = Math.ceil(keys / perBatch);
  await withClient(cluster, (client) =>
    inParallel(batches * (overwrites + 1), BATCHES_IN_FLIGHT, async (number) => {
      const first = (number % batches) * perBatch;
      const count = Math.min(perBatch, keys - first);
      const success = Array.from({ length: count }, (_, index) => ({
        request_put: { key: Buffer.from(keyAt(prefix, first + index)), value: value(valueBytes) },
      }));
      await client.kv.txn({ compare: [], success, failure: [] });
    }),
  );
}

/** Makes `revisions` revisions by as many puts of small values to `keys` keys. */
export async function fillRevisions(
  cluster: Cluster,
  revisions: number,
  { prefix = '/registry/leases/', keys = 1000 }: { prefix?: string; keys?: number } = {},
): Promise<void> {
  const leader = await cluster.leader();
  using connection = await openConnection(leader.clientUrl, cluster.access);
  await inParallel(revisions, PUTS_IN_FLIGHT, (number) => {
    const put = [shortField(1, keyAt(prefix, number % keys)), shortField(2, String(number))];
    return connection.call('/etcdserverpb.KV/Put', Buffer.concat(put));
  });
}

/** Deletes every key below the prefix, in one revision. */
export async function deleteAll(cluster: Cluster, prefix = DEFAULT_PREFIX): Promise<void> {
  await withClient(cluster, (client) => client.delete().prefix(prefix).exec());
}

async function withClient<T>(cluster: Cluster, use: (client: Etcd3) => Promise<T>): Promise<T> {
  const client = await connectEtcd(cluster, await cluster.leader());
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

export async function inParallel(
  count: number,
  workers: number,
  work: (number: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(workers, count) }, worker));
}

function keyAt(prefix: string, number: number): string {
  return `${prefix}${String(number).padStart(6, '0')}`;
}

/** About a tenth of it is random, so that no two values are the same. */
export function textOf(bytes: number): Buffer {
  const unique = randomBytes(Math.ceil(bytes / 20)).toString('hex');
  const text = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"default","uid":"${unique}"},"data":{`;
  return Buffer.alloc(
    bytes,
    `${text}"log_level":"info","replicas":"3","image":"registry.example/app:1.2.3"}}`,
  );
}
