import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from './etcd-cluster.ts';
import { plainEnv, runProgram } from './run-program.ts';
import { etcdctl } from './tools.ts';

const auth = { user: 'root', password: 'a secret: with signs' };

test('three members with TLS and a password let nobody else in', async () => {
  await using cluster = await startCluster({ size: 3, tls: true, auth });
  await cluster.etcdctl('put', 'key', 'value');
  const statuses = await cluster.status();
  assert.equal(statuses.length, 3);
  assert.equal(new Set(statuses.map(({ memberId }) => memberId)).size, 3);

  assert.equal(await getKey(cluster.env), 'value\n');
  await assert.rejects(getKey({ ...cluster.env, ETCDCTL_PASSWORD: 'wrong' }), /authentication failed/);
  const { ETCDCTL_CERT: _cert, ETCDCTL_KEY: _key, ...noCertificate } = cluster.env;
  await assert.rejects(getKey({ ...noCertificate, ETCDCTL_DIAL_TIMEOUT: '1s' }), /deadline|certificate/);
});

test('a member can be killed, started, stopped, paused and resumed', async () => {
  await using cluster = await startCluster({ size: 3 });
  const member = cluster.member(2);
  const pid = member.pid;
  await member.kill();
  assert.equal(member.running, false);
  assert.equal((await cluster.status()).length, 2);
  await member.start();
  assert.notEqual(member.pid, pid);
  await member.stop();
  assert.equal(member.pid, undefined);
  await member.start();

  await member.pause();
  await assert.rejects(member.status(300), /no answer/);
  member.resume();
  assert.equal((await member.status()).memberId, member.id);
});

test('a lost leader is replaced, and leadership moves where it is told to', async () => {
  await using cluster = await startCluster({ size: 3 });
  const lost = await cluster.leader();
  await lost.kill();
  assert.notEqual(await cluster.leader(), lost);
  await lost.start();
  await cluster.moveLeaderTo(lost);
  assert.equal(await cluster.leader(), lost);
  assert.equal((await cluster.followers()).length, 2);
});

test('a learner joins; a member that is only added is known and never came up', async () => {
  await using cluster = await startCluster({ size: 3 });
  const learner = await cluster.addMember({ learner: true });
  assert.equal((await learner.status()).isLearner, true);
  const absent = await cluster.addMember({ start: false });
  const list = await cluster.etcdctl('member', 'list');
  assert.match(list, new RegExp(`^${learner.id}, started, m3, .*true$`, 'm'));
  assert.match(list, new RegExp(`^${absent.id}, unstarted, , .*false$`, 'm'));
});

test('members of two versions side by side, then upgraded', async () => {
  await using cluster = await startCluster({ size: 3, version: ['3.5', '3.6', '3.5'] });
  const minors = async () => (await cluster.status()).map(({ version }) => version.slice(0, 3));
  assert.deepEqual(await minors(), ['3.5', '3.6', '3.5']);
  await cluster.restart(cluster.member(0), '3.6');
  assert.deepEqual(await minors(), ['3.6', '3.6', '3.5']);
});

for (const version of ['3.4', '3.5', '3.7'] as const) {
  test(`etcd ${version}, TLS and a password`, async () => {
    await using cluster = await startCluster({ size: 3, version, tls: true, auth });
    await cluster.etcdctl('put', 'key', 'value');
    const statuses = await cluster.status();
    assert.ok(statuses.every((status) => status.version.startsWith(version)));
  });
}

test('quota and other flags reach etcd; a full member is still healthy, its alarm stays', async () => {
  await using cluster = await startCluster({
    quotaBytes: 2 ** 20,
    extraArgs: ['--max-request-bytes=2097152'],
  });
  await assert.rejects(cluster.etcdctlWithInput('x'.repeat(1.9e6), 'put', 'big'), /database space exceeded/);
  await cluster.waitHealthy();
  assert.match(await cluster.etcdctl('alarm', 'list'), /NOSPACE/);
});

test('a start that fails says why', async () => {
  await assert.rejects(startCluster({ extraArgs: ['--no-such-flag'] }), /no-such-flag/);
});

test('IDs in JSON are not rounded', async () => {
  await using cluster = await startCluster();
  const answer = JSON.stringify(await cluster.etcdctlJson('member', 'list'));
  assert.ok(answer.includes(`"ID":"${BigInt(`0x${cluster.member(0).id}`)}"`), answer);
});

test('nothing is left behind when the test process is killed', async () => {
  const script = `
    const { startCluster } = await import('./test/support/etcd-cluster.ts');
    const cluster = await startCluster();
    console.log(cluster.member(0).pid + ' ' + cluster.folder);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 2],
  });
  assert.ok(child.stdout);
  const [line] = await once(child.stdout, 'data');
  const [pid = '', folder = ''] = String(line).trim().split(' ');
  assert.ok(existsSync(folder));
  assert.ok(isAlive(Number(pid)));
  child.kill('SIGKILL');
  for (let tries = 0; tries < 100 && (isAlive(Number(pid)) || existsSync(folder)); tries++) await sleep(50);
  assert.equal(isAlive(Number(pid)), false);
  assert.equal(existsSync(folder), false);
});

/** etcdctl with an environment as the job gets it. */
async function getKey(env: Record<string, string>): Promise<string> {
  return runProgram(await etcdctl(), ['get', 'key', '--print-value-only'], { env: plainEnv(env) });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
