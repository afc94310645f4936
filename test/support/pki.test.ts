import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCluster } from './etcd-cluster.ts';
import { type ClientTls, request } from './http-request.ts';
import { createAuthority, type KeyPair } from './pki.ts';

test('etcd takes a certificate of its own authority in its time, and no other', async () => {
  await using cluster = await startCluster({ tls: true });
  const pki = cluster.pki ?? assert.fail('a TLS cluster has certificates');
  const foreign = await createAuthority(cluster.folder, 'foreign');
  const client = (pair: KeyPair): ClientTls => ({ ca: pki.ca, ...pair });
  const ask = (tls: ClientTls) => request(`${cluster.member(0).clientUrl}/version`, { tls });

  const good = await pki.authority.client({ name: 'good' });
  assert.equal((await ask(client(good))).status, 200);
  const refused = {
    expired: await pki.authority.client({ name: 'expired', validity: 'expired' }),
    early: await pki.authority.client({ name: 'early', validity: 'not-yet-valid' }),
    foreign: await foreign.client({ name: 'foreign-client' }),
  };
  for (const [name, pair] of Object.entries(refused)) {
    await assert.rejects(ask(client(pair)), /certificate|unknown ca/, name);
  }
  await assert.rejects(ask({ ...good, ca: foreign.ca }), /certificate/);
});
