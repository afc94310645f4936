import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded } from '../support/run-assertions.ts';
import { createAuthority } from '../support/pki.ts';
import { freePort } from '../support/free-port.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow, onlyBackup } from '../support/stored-backup.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';

const cluster = await startCluster({ tls: true });
const plain = await startCluster();
const folder = await scratchFolder('access');
after(async () => {
  await cluster[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});
await fill(cluster, { keys: 20, valueBytes: 1000, overwrites: 10 });
const { authority } = cluster.pki ?? assert.fail('the cluster has no certificates');
const stranger = await createAuthority(join(folder.path, 'stranger'), 'stranger');
const store = join(folder.path, 'store');
const settings = {
  BACKUP_STORE: `file://${store}`,
  ETCDCTL_DIAL_TIMEOUT: '4s',
  COMPACTION_RETENTION: '1',
};
const env = { ...cluster.env, ...settings };

/** The run fails with code 3 and tells why in these words, without an OpenSSL dump; nothing has changed. */
async function assertUnreachable(given: Record<string, string>, why: RegExp): Promise<void> {
  const before = await tracesOf(cluster);
  const report = assertRunEnded(await runJob(given), 3, 'failed');
  assert.match(report.error ?? '', why);
  assert.match(report.error ?? '', /nothing was changed/);
  assert.doesNotMatch(report.error ?? '', /\n|routines|openssl|--use-system-ca|20\d\d-/);
  await assertUntouched(cluster, before);
  assert.deepEqual(await filesBelow(store), []);
}

test('a CA that did not sign the member: exit 3, and it names the variable', async () => {
  await assertUnreachable({ ...env, ETCDCTL_CACERT: stranger.ca }, /no CA in ETCDCTL_CACERT signed/);
});

test('a client certificate of another CA: exit 3, and it says that etcd refuses it', async () => {
  const { cert, key } = await stranger.client({ name: 'alien' });
  await assertUnreachable(
    { ...env, ETCDCTL_CERT: cert, ETCDCTL_KEY: key },
    /refuses ETCDCTL_CERT: no CA that it trusts/,
  );
});

test('no client certificate where one is needed: exit 3, and it says which variables to set', async () => {
  const { ETCDCTL_CACERT = '' } = cluster.env;
  await assertUnreachable(
    { ...settings, ETCDCTL_ENDPOINTS: cluster.endpoints, ETCDCTL_CACERT },
    /wants a client certificate: set ETCDCTL_CERT and ETCDCTL_KEY/,
  );
});

test('an expired client certificate: exit 3, and it says so', async () => {
  const { cert, key } = await authority.client({ name: 'expired', validity: 'expired' });
  await assertUnreachable(
    { ...env, ETCDCTL_CERT: cert, ETCDCTL_KEY: key },
    /refuses ETCDCTL_CERT: that certificate has expired/,
  );
});

test('a client certificate that is not valid yet: exit 3', async () => {
  const { cert, key } = await authority.client({ name: 'early', validity: 'not-yet-valid' });
  await assertUnreachable({ ...env, ETCDCTL_CERT: cert, ETCDCTL_KEY: key }, /ETCDCTL_CERT/);
});

for (const version of ['3.4', '3.5', '3.6', '3.7'] as const) {
  test(`a revoked client certificate, etcd ${version}: exit 3, and it names that cause`, async () => {
    const list = join(folder.path, `${version}.crl`);
    await stranger.revoke([], list);
    await using strict = await startCluster({ tls: true, version, extraArgs: [`--client-crl-file=${list}`] });
    const { authority: own } = strict.pki ?? assert.fail('the cluster has no certificates');
    const { cert, key } = await own.client({ name: 'revoked' });
    const given = { ...settings, ...strict.env, ETCDCTL_CERT: cert, ETCDCTL_KEY: key };
    await own.revoke([cert], list);
    const report = assertRunEnded(await runJob(given), 3, 'failed');
    assert.match(report.error ?? '', /with https:\/\/, is ETCDCTL_CERT revoked\? etcd's own log tells/i);
  });
}

test('a server certificate that does not cover the address: exit 3, though the CA is right', async () => {
  await using elsewhere = await forwardFrom('127.0.0.2', cluster.endpoints);
  await assertUnreachable(
    { ...env, ETCDCTL_ENDPOINTS: elsewhere.url },
    /127\.0\.0\.2 is not in the cert's list/,
  );
});

test('a server certificate that covers the address passes, and nothing but log lines is printed', async () => {
  await using folderHere = await scratchFolder('store');
  const result = await runJob({ ...env, BACKUP_STORE: `file://${folderHere.path}` });
  assertRunEnded(result, 0, 'ok'); // an IP address as TLS server name makes Node warn, which must not reach the log
  assert.doesNotMatch(result.stdout, /DEP0123|ServerName/);
  await onlyBackup(folderHere.path);
});

test('a member whose own certificate has expired: exit 3, and it says whose it is', async () => {
  const { cert, key } = await authority.server({ name: 'expired-server', validity: 'expired' });
  await using server = await serveTls(cert, key);
  await assertUnreachable({ ...env, ETCDCTL_ENDPOINTS: server.url }, /its own certificate has expired/);
});

test('https where the member speaks http: exit 3, and it asks whether it is http there', async () => {
  const endpoints = plain.endpoints.replace('http:', 'https:');
  await assertUnreachable({ ...env, ETCDCTL_ENDPOINTS: endpoints }, /does not speak TLS: is it http there\?/);
});

test('http where a web server answers: exit 3, and it says that this is not etcd', async () => {
  const web = createHttpServer((_, answer) => answer.end('<html>')).listen(0, '127.0.0.1');
  await once(web, 'listening');
  const address = web.address();
  assert.ok(typeof address === 'object' && address !== null);
  const endpoint = `http://127.0.0.1:${address.port}`;
  await assertUnreachable({ ...settings, ETCDCTL_ENDPOINTS: endpoint }, /does not speak as etcd does/);
  web.close();
});

test('http where the member speaks https: exit 3, and it asks whether it is https there', async () => {
  const endpoints = cluster.endpoints.replace('https:', 'http:');
  await assertUnreachable({ ...settings, ETCDCTL_ENDPOINTS: endpoints }, /is it https there\?/);
});

/** The same port of another address of this machine, which no certificate here is for. */
async function forwardFrom(host: string, targetUrl: string): Promise<AsyncDisposable & { url: string }> {
  const target = new URL(targetUrl);
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  const port = await freePort();
  server.listen(port, host);
  await once(server, 'listening');
  return { url: `https://${host}:${port}`, [Symbol.asyncDispose]: async () => void server.close() };
}

/** A port that shows a certificate, for one that etcd itself would not start with the rest of the tests. */
async function serveTls(cert: string, key: string): Promise<AsyncDisposable & { url: string }> {
  const server = createTlsServer({ cert: await readFile(cert), key: await readFile(key) });
  server.on('tlsClientError', () => {}); // the client turns away
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { url: `https://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void server.close() };
}
