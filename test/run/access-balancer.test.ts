import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded } from '../support/run-assertions.ts';
import { type PeerProxy, startPeerProxy } from '../support/peer-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow, onlyBackup, restoreBackup } from '../support/stored-backup.ts';

test('a load balancer before members that nothing else reaches: the backup is of the member whose revision it tells', async () => {
  await using place = await startPlace();
  await using balancer = await startBalancer((turn) => place.targets[turn % 2]);
  await using store = await scratchFolder('store');
  const report = assertRunEnded(await runJob(environment(balancer, store)), 5, 'partial');
  const backup = await onlyBackup(store.path);
  assert.equal(backup.manifest.member.id, report.members.find(({ version }) => version !== undefined)?.id);
  await using restored = await restoreBackup(backup);
  const { revision } = await restored.member(0).status();
  assert.ok(
    revision >= backup.manifest.revision,
    `revision ${backup.manifest.revision} is promised, ${revision} is there`,
  );
});

test('a load balancer that leads to the inspected member once and never again: no backup is claimed, exit 4', async () => {
  await using place = await startPlace();
  await using balancer = await startBalancer((turn) => place.targets[Math.min(turn, 1)]);
  await using store = await scratchFolder('store');
  const report = assertRunEnded(await runJob(environment(balancer, store)), 4, 'failed');
  assert.match(
    report.error ?? '',
    /led to other members .* behind a load balancer: give the members' own addresses/,
  );
  assert.deepEqual(await filesBelow(store.path), []);
});

const environment = (balancer: { url: string }, store: { path: string }): Record<string, string> => ({
  ETCDCTL_ENDPOINTS: balancer.url,
  ETCDCTL_DIAL_TIMEOUT: '3s',
  BACKUP_STORE: `file://${store.path}`,
});

/** A follower that is up to date and one that lags; the URLs that the members advertise are dead. */
async function startPlace(): Promise<AsyncDisposable & { targets: string[] }> {
  const stack = new AsyncDisposableStack();
  const peerProxies: PeerProxy[] = [];
  const cluster = stack.use(
    await startCluster({
      size: 3,
      advertise: async () => `http://127.0.0.1:${await freePort()}`,
      advertisePeer: async ({ peerUrl }) => {
        const proxy = stack.use(await startPeerProxy(peerUrl));
        peerProxies.push(proxy);
        return proxy.url;
      },
    }),
  );
  const [current, behind] = await cluster.followers();
  assert.ok(current && behind);
  for (const proxy of peerProxies) proxy.starve(behind.id);
  await fill(cluster, { keys: 5, valueBytes: 10_000, overwrites: 5 });
  const targets = [current.clientUrl, behind.clientUrl];
  return { targets, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Leads every connection, counted from 0, where `choose` says. */
async function startBalancer(
  choose: (turn: number) => string | undefined,
): Promise<AsyncDisposable & { url: string }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    const target = new URL(choose(connections) ?? '');
    connections += 1;
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
