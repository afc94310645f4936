import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { connectEtcd } from '../support/etcd-client.ts';
import { inParallel, textOf } from '../support/fill.ts';
import { type Bench, say } from './context.ts';
import { QUOTA_BYTES } from './database.ts';
import { command } from './measure.ts';

/** Revisions in the database, by what a page of Kubernetes' clusters holds: 450,000 in about 1 GiB. */
const REVISIONS = 450_000;
const KEYS = 110_000;
/** What is written again and again: leases of nodes and of leaders, say. */
const BUSY_KEYS = 1_000;
const LARGE = 40;
const MOST_OF_A_VALUE = 4096;
const LEAST_OF_A_VALUE = 640;
const LARGEST_VALUE = 2 ** 20;
/** etcd takes 128 operations and 1.5 MiB in a request; keys may not come twice in one. */
const BATCH = 100;
const IN_FLIGHT = 6;
const RESOURCES = ['pods', 'configmaps', 'secrets', 'replicasets', 'events', 'example.com/widgets'];
const NAMESPACES = 220;

/**
 * One member with TLS whose database looks like that of a cluster in use: many small objects of many kinds in many
 * namespaces, a few large ones, three revisions of each in the history that a compaction has left, and deleted objects.
 * Compacted in the middle, so that pages are used again and leaves lie in any order.
 */
export async function historyOf({ folder }: Bench): Promise<Cluster> {
  say(`Filling one member with ${REVISIONS} revisions of ${KEYS} keys`);
  const cluster = await startCluster({ size: 1, tls: true, quotaBytes: QUOTA_BYTES, dataDir: folder });
  const size = sizes();
  const before = 2 * KEYS;
  await write(cluster, 0, before, size);
  await compact(cluster);
  // What is live when it is compacted stays; all that comes after it, too.
  await write(cluster, before, before + REVISIONS - KEYS, size);
  await command('sync', []); // else the disk is still busy with it while the first backup is measured
  return cluster;
}

/** Writes number `from` to `to` of one endless list of writes. */
async function write(cluster: Cluster, from: number, to: number, size: () => number): Promise<void> {
  const client = await connectEtcd(cluster, await cluster.leader());
  const batches = Math.ceil((to - from) / BATCH);
  try {
    await inParallel(batches, IN_FLIGHT, async (batch) => {
      const first = from + batch * BATCH;
      const operations = Array.from({ length: Math.min(BATCH, to - first) }, (_, index) =>
        operationOf(first + index, size),
      );
      await client.kv.txn({ compare: [], success: operations, failure: [] });
    });
    for (let large = 0; large < LARGE; large += 1)
      await client
        .put(`/registry/configmaps/large/${from}-${large}`)
        .value(textOf(LARGEST_VALUE / (1 + large)));
  } finally {
    client.close();
  }
}

/** One in three is for a busy key, one in a hundred a deletion; every key is written in the first round. */
function operationOf(number: number, size: () => number) {
  const isBusy = number >= KEYS && Math.floor(number / BATCH) % 3 === 0;
  if (isBusy) return put(`/registry/leases/kube-node-lease/node-${number % BUSY_KEYS}`, LEAST_OF_A_VALUE);
  const key = keyOf(number % KEYS);
  if (number >= KEYS && number % 100 === 99) return { request_delete_range: { key: Buffer.from(key) } };
  return put(key, size());
}

const put = (key: string, bytes: number) => ({
  request_put: { key: Buffer.from(key), value: textOf(bytes) },
});

const keyOf = (number: number): string =>
  `/registry/${RESOURCES[number % RESOURCES.length]}/namespace-${number % NAMESPACES}/object-${number}`;

/** Small ones are many: evenly spread by their logarithm. The same in each run. */
function sizes(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.round(LEAST_OF_A_VALUE * (MOST_OF_A_VALUE / LEAST_OF_A_VALUE) ** (state / 2 ** 32));
  };
}

async function compact(cluster: Cluster): Promise<void> {
  const { revision } = await cluster.member(0).status();
  const client = await connectEtcd(cluster, await cluster.leader());
  try {
    await client.kv.compact({ revision: String(revision), physical: true });
  } finally {
    client.close();
  }
}
