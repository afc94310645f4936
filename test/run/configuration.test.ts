import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { plainEnv, runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { REPOSITORY } from '../support/repository.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';

const cluster = await startCluster();
const folder = await scratchFolder('configuration');
after(async () => {
  await cluster[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});
await fill(cluster, { keys: 20, valueBytes: 10_000, overwrites: 30 });
const env = {
  ...cluster.env,
  BACKUP_STORE: `file://${join(folder.path, 'store')}`,
  COMPACTION_RETENTION: '5',
  DEFRAG_MIN_DB_SIZE: '1Mi',
  DEFRAG_WAIT: '0s',
};

test('every problem of the environment is told at once, and no secret in it', async () => {
  const before = await tracesOf(cluster);
  const secrets = ['hunter2', 'T0pS3cret', 'kaboom', 'QWERTYUIOP', 'AKIAIOSFODNN7', 'MIIEvQIBADANBg'];
  const result = await runJob({
    ETCDCTL_ENDPOINTS: `http://root:${secrets[0]}@127.0.0.1:2379`,
    ETCDCTL_PASSWORD: secrets[1] ?? '',
    ETCDCTL_CACERT: join(folder.path, 'missing.crt'),
    ETCDCTL_CERT: `-----BEGIN PRIVATE KEY-----\n${secrets[5]}\n-----END PRIVATE KEY-----`,
    ETCDCTL_INSECURE_SKIP_TLS_VERIFY: 'true',
    ETCDCTL_AUTH_JWT_TOKEN: secrets[2] ?? '',
    BACKUP_ENABLED: 'false',
    BACKUP_STORE: `s3://${secrets[4]}:key@bucket/prefix`,
    BACKUP_AGE_RECIPIENTS: `AGE-SECRET-KEY-1${secrets[3]}`,
    BACKUP_KEEP_LAST: '-1',
    COMPACTION_RETENTION: '1e4',
    DEFRAG_MIN_FRAGMENTATION: '45%',
    DEFRAG_WAIT: '10',
    QUOTA_BYTES: '2GB',
    DRY_RUN: 'yes',
    LOG_LEVEL: 'loud',
  });
  const report = assertRunEnded(result, 2, 'failed');
  const problems = result.lines.filter(({ msg }) => msg === 'configuration problem');
  const variables = problems.map(({ variable }) => variable);
  for (const wrong of [
    'ETCDCTL_ENDPOINTS',
    'ETCDCTL_PASSWORD',
    'ETCDCTL_CACERT',
    'ETCDCTL_CERT',
    'ETCDCTL_KEY',
    'ETCDCTL_INSECURE_SKIP_TLS_VERIFY',
    'ETCDCTL_AUTH_JWT_TOKEN',
    'BACKUP_ENABLED',
    'BACKUP_STORE',
    'BACKUP_AGE_RECIPIENTS',
    'BACKUP_KEEP_LAST',
    'COMPACTION_RETENTION',
    'DEFRAG_MIN_FRAGMENTATION',
    'DEFRAG_WAIT',
    'QUOTA_BYTES',
    'DRY_RUN',
    'LOG_LEVEL',
  ]) {
    assert.ok(variables.includes(wrong), `${wrong} is not told of: ${variables.join(', ')}`);
  }
  assert.deepEqual(
    report.configuration?.map(({ variable }) => variable),
    variables,
  );
  for (const secret of secrets) {
    assert.ok(!result.stdout.includes(secret), `${secret} is in the log`);
    assert.ok(!result.terminationMessage?.includes(secret), `${secret} is in the termination message`);
  }
  assert.deepEqual(JSON.parse(result.terminationMessage ?? '').outcome, 'failed');
  await assertUntouched(cluster, before);
});

test('the termination message says the outcome in at most 4096 bytes, however much is wrong', async () => {
  const path = join(folder.path, 'termination-log');
  const strangers = Array.from({ length: 80 }, (_, index) => [`ETCDCTL_WHAT_IS_THIS_${index}`, 'x']);
  const many = { ...env, COMPACTION_RETENTION: '\u{1f525}'.repeat(100), ...Object.fromEntries(strangers) };
  const result = await runJob({ ...many, TERMINATION_LOG: path });
  const report = assertRunEnded(result, 2, 'failed');
  assert.ok(Buffer.byteLength(JSON.stringify(report)) > 4096);
  const message = await readFile(path);
  assert.ok(message.length <= 4096, `${message.length} bytes`);
  const told = JSON.parse(message.toString());
  assert.equal(told.outcome, 'failed');
  assert.equal(told.exitCode, 2);
  assert.match(told.error, /COMPACTION_RETENTION/);
});

test('the termination message of a run tells what kubectl should show', async () => {
  const store = `file://${join(folder.path, 'store-of-the-run')}`;
  const only = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false', CLUSTER_NAME: 'blue' };
  const result = await runJob({ ...env, ...only, BACKUP_STORE: store });
  const { backup } = assertRunEnded(result, 0, 'nothing-needed');
  assert.ok(backup);
  const { error, problems, steps, ...told } = JSON.parse(result.terminationMessage ?? '');
  assert.deepEqual(told, {
    outcome: 'nothing-needed',
    exitCode: 0,
    cluster: 'blue',
    backup: backup.name,
    revision: backup.revision,
    reclaimedBytes: 0,
  });
  assert.equal(`${error}${problems}`, '');
  assert.equal(steps.backup, 'done');
});

test('a termination log that cannot be written is no failure', async () => {
  const result = await runJob({
    ...env,
    DRY_RUN: 'true',
    TERMINATION_LOG: join(folder.path, 'no/such/folder'),
  });
  assertRunEnded(result, 0, 'dry-run');
});

test('a termination log that is there is overwritten, not appended to', async () => {
  const path = join(folder.path, 'used-before');
  await writeFile(path, 'x'.repeat(10_000));
  await runJob({ ...env, DRY_RUN: 'true', TERMINATION_LOG: path });
  const told = JSON.parse(await readFile(path, 'utf8'));
  assert.equal(told.outcome, 'dry-run');
});

test('a dry run says what it would do, changes nothing in the cluster and writes nothing to the store', async () => {
  const before = await tracesOf(cluster);
  const result = await runJob({ ...env, DRY_RUN: 'true' });
  const report = assertRunEnded(result, 0, 'dry-run');
  const would = ['skipped', /dry run; would be done/] as const;
  assertSteps(report, { lock: 'skipped', backup: would, compact: would, defragment: would });
  assert.equal(report.compaction?.target, before.revision - 5);
  assert.equal(report.backup, undefined);
  assert.equal(report.reclaimedBytes, 0);
  await assertUntouched(cluster, before);
  assert.deepEqual(await filesBelow(join(folder.path, 'store')), []);
});

test('a dry run needs no store that could be written', async () => {
  await writeFile(join(folder.path, 'a-file'), '');
  const store = `file://${join(folder.path, 'a-file', 'store')}`;
  assertRunEnded(await runJob({ ...env, DRY_RUN: 'true', BACKUP_STORE: store }), 0, 'dry-run');
});

test('LOG_LEVEL leaves out what is below it, but never the report', async () => {
  const quiet = await runJob({ ...env, DRY_RUN: 'true', LOG_LEVEL: 'warn' });
  assertRunEnded(quiet, 0, 'dry-run');
  for (const { level } of quiet.lines) assert.ok(level !== 'info' && level !== 'debug', String(level));
  const failed = await runJob({ ...env, QUOTA_BYTES: 'much', LOG_LEVEL: 'error' });
  assert.equal(assertRunEnded(failed, 2, 'failed').configuration?.length, 1);
});

test('LOG_LEVEL=silent prints nothing at all, and the outcome is still in the code and the termination message', async () => {
  const result = await runJob({ ...env, QUOTA_BYTES: 'much', LOG_LEVEL: 'silent' });
  assert.equal(result.code, 2);
  assert.equal(result.stdout, '');
  assert.equal(result.stderr, '');
  assert.equal(JSON.parse(result.terminationMessage ?? '').exitCode, 2);
});

test('a setting that has no effect is a warning in the report', async () => {
  const report = assertRunEnded(
    await runJob({ ...env, DRY_RUN: 'true', DEFRAG_MIN_SIZE: '1Mi' }),
    0,
    'dry-run',
  );
  assert.ok(report.warnings.some((warning) => warning.startsWith('DEFRAG_MIN_SIZE is not known')));
});

test('at a terminal the run is told in words and ends with a table of the members', async () => {
  await mkdir(join(folder.path, 'terminal'));
  const command = `"${process.execPath}" src/main.ts; echo "code $?"`;
  const text = await runProgram('script', ['-qec', command, '/dev/null'], {
    cwd: REPOSITORY,
    env: plainEnv({
      ...env,
      BACKUP_STORE: `file://${join(folder.path, 'terminal')}`,
      TERM: 'xterm',
      SHELL: '/bin/sh',
    }),
  });
  const lines = text.replaceAll('\r', '').split('\n');
  assert.ok(lines.includes('code 0'), text);
  assert.ok(!lines.some((line) => line.startsWith('{')), text);
  const head = lines.findIndex((line) => line.startsWith('MEMBER'));
  assert.match(lines[head] ?? text, /^MEMBER +ROLE +VERSION +SIZE +IN USE +SIZE AFTER +IN USE AFTER/);
  assert.match(
    lines[head + 1] ?? '',
    /^m0 +leader +3\.6\.\d+ +\d+\.\d MiB +\d+\.\d MiB +\d+\.\d MiB +\d+\.\d MiB +\d+(\.\d+)? s +yes$/,
  );
  assert.ok(
    lines.some((line) => /^ok \(exit code 0\) after .* MiB reclaimed$/.test(line)),
    text,
  );
});
