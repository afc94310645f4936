import assert from 'node:assert/strict';
import { type CallHook, type CallProxy, startCallProxy } from './call-proxy.ts';
import { type Cluster, type ClusterOptions, startCluster } from './etcd-cluster.ts';
import { type Scratch, scratchFolder } from './scratch-folder.ts';
import { within } from './within.ts';

type MemberHook = (memberName: string, ...call: Parameters<CallHook>) => ReturnType<CallHook>;

/** A cluster of plain text with a call proxy before every member, and a store. */
export interface ProxiedCluster extends AsyncDisposable {
  readonly cluster: Cluster;
  /** In the order of the members. */
  readonly proxies: readonly CallProxy[];
  readonly store: string;
  /** The job's environment: quick, and every member is worth defragmenting whatever its size. */
  env(extra?: Record<string, string>): Record<string, string>;
  proxy(memberId: string): CallProxy;
  /** A hook for one method at every proxy; it is told the name of the member that was called. */
  readonly before: (method: string, hook: MemberHook) => void;
}

export async function startProxiedCluster(options: ClusterOptions = {}): Promise<ProxiedCluster> {
  const stack = new AsyncDisposableStack();
  const proxies: CallProxy[] = [];
  const store: Scratch = stack.use(await scratchFolder('store'));
  const advertise = async ({ index, clientUrl }: { index: number; clientUrl: string }) => {
    const proxy = stack.use(await startCallProxy(clientUrl));
    proxies[index] = proxy;
    return proxy.url;
  };
  try {
    const cluster = stack.use(await startCluster({ advertise, ...options }));
    return {
      cluster,
      proxies,
      store: store.path,
      env: (extra) => ({
        ...cluster.env,
        BACKUP_STORE: `file://${store.path}`,
        LOCK_TTL: '5s',
        COMPACTION_RETENTION: '2',
        DEFRAG_WAIT: '0s',
        DEFRAG_MIN_DB_SIZE: '0',
        DEFRAG_MIN_FRAGMENTATION: '0',
        ...extra,
      }),
      proxy(memberId) {
        const index = cluster.members.findIndex(({ id }) => id === memberId);
        const found = proxies[index];
        assert.ok(found, `there is no proxy before ${memberId}`);
        return found;
      },
      before(method, hook) {
        for (const [index, proxy] of proxies.entries()) {
          proxy.before(method, (...call) => hook(cluster.member(index).name, ...call));
        }
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

export interface Held {
  /** Resolves when such a call has arrived; rejects when none has after a minute, say because the job failed. */
  reached(): Promise<void>;
  /** Has it passed on. */
  release(): void;
}

/** Holds every call of that method at every member, before it gets there, until it is released. */
export function holdCalls(place: ProxiedCluster, method: string): Held {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  place.before(method, () => {
    arrived.resolve();
    return released.promise;
  });
  return { reached: () => within(arrived.promise, `a call of ${method}`), release: released.resolve };
}
