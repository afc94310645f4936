import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { createJob, describedAs, helmOn, install, jobEnd, type JobSeen, NAMESPACE } from './release.ts';

/** What a person who made a mistake is shown, by helm or by `kubectl describe`: it has to be enough to mend it. */

let node: Node;

before(async () => {
  node = await startNode();
});

after(() => node[Symbol.asyncDispose]());

afterEach(async () => {
  await helmOn(node, 'uninstall', 'etcd-upkeep', '--ignore-not-found', '--wait');
  await node.kubectl('-n', NAMESPACE, 'delete', 'jobs', '--all', '--wait');
});

async function installed(values: object): Promise<void> {
  await install(node, { values: { suspend: true, ...values } });
  await createJob(node, 'attempt');
}

async function ended(values: object): Promise<JobSeen> {
  await installed(values);
  return jobEnd(node, 'attempt');
}

test('a wrong path of a certificate', async () => {
  const cert = '/etc/kubernetes/pki/etcd/nobody.crt';
  await installed({ etcd: { tls: { hostPath: { cert } } } });
  await describedAs(node, 'attempt', /FailedMount.*"etcd-cert".*hostPath type check failed: .*nobody\.crt/);
});

test('a wrong name of the Secret with the certificates', async () => {
  await installed({ etcd: { tls: { existingSecret: 'nobody' } } });
  await describedAs(node, 'attempt', /FailedMount.*secret "nobody" not found/);
});

test('a Secret without one of the keys', async () => {
  await node.kubectl('-n', NAMESPACE, 'create', 'secret', 'generic', 'half', '--from-literal=ca.crt=x');
  await installed({ etcd: { tls: { existingSecret: 'half' } } });
  await describedAs(node, 'attempt', /FailedMount.*references non-existent secret key: tls\.crt/);
});

test('a wrong name of the Secret with the password', async () => {
  await installed({ etcd: { auth: { existingSecret: 'nobody' } } });
  await describedAs(node, 'attempt', /secret "nobody" not found/);
});

test('a claim that is not there', async () => {
  await installed({ backup: { persistence: { enabled: true, existingClaim: 'nobody' } } });
  await describedAs(node, 'attempt', /FailedScheduling.*persistentvolumeclaim "nobody" not found/);
});

test('a value that cannot work is refused by helm, with what to do', async () => {
  await assert.rejects(
    install(node, { values: { backup: { enabled: false } } }),
    /\/backup\/skipConfirmed': value must be 'true, or backup\.enabled true/,
  );
});

test('a variable that cannot work ends the Job at once: exit code 2, no second pod', async () => {
  const extraEnv = [{ name: 'ETCDCTL_INSECURE_SKIP_TLS_VERIFY', value: 'true' }];
  const { type, reason, message, pods } = await ended({ extraEnv });
  assert.deepEqual({ type, reason }, { type: 'Failed', reason: 'PodFailurePolicy' });
  assert.match(message, /exit code 2/);
  assert.deepEqual(
    pods.map(({ exitCode }) => exitCode),
    [2],
  );
  await describedAs(node, 'attempt', /ETCDCTL_INSECURE_SKIP_TLS_VERIFY/);
});

test('a key that the pod may not read: the message names the value', async () => {
  const { reason, pods } = await ended({ podSecurityContext: { runAsUser: 65_532, runAsGroup: 65_532 } });
  assert.equal(reason, 'PodFailurePolicy');
  assert.equal(pods[0]?.exitCode, 2);
  const text = await describedAs(node, 'attempt', /podSecurityContext\.runAsUser/);
  assert.match(text, /ETCDCTL_KEY.*mode 0600.*uid 0/);
});

test('a folder of the host that the pod may not write to: the message names the value', async () => {
  await node.etcd.etcdctl('put', '/any', 'thing');
  const values = {
    etcd: { tls: { existingSecret: 'readable' } },
    podSecurityContext: { runAsUser: 65_532, runAsGroup: 65_532 },
    backoffLimit: 0,
  };
  const { tls } = node.etcd.access;
  assert.ok(tls);
  const files = [`ca.crt=${tls.ca}`, `tls.crt=${tls.cert}`, `tls.key=${tls.key}`];
  const args = files.map((file) => `--from-file=${file}`);
  await node.kubectl('-n', NAMESPACE, 'create', 'secret', 'generic', 'readable', ...args);
  const { pods } = await ended(values);
  assert.equal(pods[0]?.exitCode, 4);
  await describedAs(node, 'attempt', /\/backups.*podSecurityContext\.fsGroup/);
  assert.deepEqual(await filesBelow(node.backups), []);
});

test('an etcd that is not there is tried again: exit code 3', async () => {
  const { type, reason, pods } = await ended({
    backoffLimit: 1,
    etcd: { endpoints: ['https://127.0.0.1:2999'], dialTimeout: '1s' },
  });
  assert.deepEqual({ type, reason }, { type: 'Failed', reason: 'BackoffLimitExceeded' });
  assert.deepEqual(
    pods.map(({ exitCode }) => exitCode),
    [3, 3],
  );
  await describedAs(node, 'attempt', /127\.0\.0\.1:2999.*ECONNREFUSED|ECONNREFUSED.*127\.0\.0\.1:2999/);
  assert.equal((await stat(node.backups)).isDirectory(), true);
});
