import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type BackedUpCluster, startBackedUpCluster } from '../commands/backed-up-cluster.ts';
import { ageKey } from '../support/age.ts';
import { fill } from '../support/fill.ts';
import { startPushgateway } from '../support/pushgateway.ts';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import { assertRunEnded } from '../support/run-assertions.ts';
import { type JobResult, runJob } from '../support/run-job.ts';
import { runProgram } from '../support/run-program.ts';
import { startS3 } from '../support/s3-server.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { type Built, builtBundle } from './built.ts';

/** Each command loads code of its own: what the bundle does with it is what the sources do. */

const stack = new AsyncDisposableStack();
let built: Built;
let backedUp: BackedUpCluster;
let out: Scratch;
let names: string[];

before(async () => {
  built = stack.use(await builtBundle());
  out = stack.use(await scratchFolder('out'));
  backedUp = stack.use(await startBackedUpCluster());
  await fill(backedUp.cluster, { keys: 50, valueBytes: 1000, prefix: '/registry/secrets/' });
  names = [await backedUp.backUp()];
  await fill(backedUp.cluster, { keys: 7, valueBytes: 10, prefix: '/registry/pods/' });
  names.push(await backedUp.backUp());
});

after(() => stack.disposeAsync());

const bundled = (args: string[], env: Record<string, string> = {}): Promise<JobResult> =>
  runJob({ ...backedUp.env, ...env }, { args, script: built.main });

/** How old a backup is and how long something took is another thing each time. */
const told = ({ code, stdout, stderr }: JobResult) => ({
  code,
  stderr,
  stdout: stdout.replaceAll(/("\w*[aA]ge\w*":) *\d+|\b\d+s\b|\b\d+\.\d s\b/g, '$1'),
});

async function sameAsSources(
  args: string[],
  code: number,
  env: Record<string, string> = {},
): Promise<string> {
  const [bundle, sources] = [await bundled(args, env), await runJob({ ...backedUp.env, ...env }, { args })];
  assert.deepEqual(told(bundle), told(sources));
  assert.equal(bundle.code, code, bundle.stdout + bundle.stderr);
  assert.doesNotMatch(bundle.stderr, /^ +at /m, 'a stack');
  return bundle.stdout;
}

/** The latest backup, as the bundle fetches it. */
async function snapshot(): Promise<string> {
  const path = join(out.path, `${randomUUID()}.db`);
  const { code, stderr } = await bundled(['fetch', 'latest', path]);
  assert.equal(code, 0, stderr);
  return path;
}

for (const args of [
  ['--help'],
  ['list'],
  ['list', '-o', 'json'],
  ['history', '-o', 'json'],
  ['usage', '-o', 'json'],
  ['verify', 'all'],
]) {
  test(`${args.join(' ')} says what it says from the sources`, async () => {
    assert.notEqual(await sameAsSources(args, 0), '');
  });
}

test('diff says what it says from the sources', async () => {
  const [older = '', newer = ''] = names;
  assert.match(await sameAsSources(['diff', older, newer], 0), /pods/);
});

test('history makes its page', async () => {
  const { code, stdout } = await bundled(['history', '-o', 'html']);
  assert.equal(code, 0);
  assert.match(stdout, /<svg/);
});

test('fetch writes the same file', async () => {
  const theirs = join(out.path, 'sources.db');
  assert.equal((await runJob(backedUp.env, { args: ['fetch', 'latest', theirs] })).code, 0);
  assert.deepEqual(await readFile(await snapshot()), await readFile(theirs));
});

test('status sees the cluster', async () => {
  const { code, stdout, stderr } = await bundled(['status', '-o', 'json'], backedUp.cluster.env);
  assert.equal(code, 0, stdout + stderr);
  assert.equal(JSON.parse(stdout).members.length, 1);
});

test('drill compares a cluster with the backup', async () => {
  await using restored = await restoreSnapshot(await snapshot());
  assert.match(await sameAsSources(['drill', 'latest'], 0, restored.env), /same/);
});

test('apiserver writes its files, and kubeconfig reads them', async () => {
  const folder = join(out.path, 'apiserver');
  await mkdir(folder);
  const written = await bundled(['apiserver', folder]);
  assert.equal(written.code, 0, written.stderr);
  assert.ok((await readdir(folder)).includes('kubeconfig'));
  await sameAsSources(['kubeconfig'], 2, { KUBECONFIG: join(folder, 'kubeconfig') }); // no API server has run with them
});

test('browse says what it misses', async () => {
  await sameAsSources(['browse', '--receipt', join(out.path, 'none.json')], 2);
});

test('a run into a bucket, encrypted, with its metrics in both places', async () => {
  await using s3 = await startS3();
  await using gateway = await startPushgateway();
  const key = await ageKey(out.path, 'key');
  const textfile = join(out.path, 'etcd.prom');
  const store = {
    ...s3.env(),
    BACKUP_STORE: `s3://${s3.bucket}/etcd?forcePathStyle=true`,
    CLUSTER_NAME: 'prod',
  };
  const env = {
    ...backedUp.cluster.env,
    ...store,
    COMPACTION_ENABLED: 'false',
    DEFRAG_ENABLED: 'false',
    BACKUP_AGE_RECIPIENTS: key.recipient,
    METRICS_PUSHGATEWAY_URL: gateway.url,
    METRICS_TEXTFILE: textfile,
  };
  const report = assertRunEnded(await runJob(env, { script: built.main }), 0, 'nothing-needed');
  assert.match(report.backup?.name ?? '', /\.db\.zst\.age$/);
  for (const text of [await gateway.metrics(), await readFile(textfile, 'utf8')])
    assert.match(text, /^etcd_upkeep_last_run_exit_code\{.*\} 0$/m);
  const verified = await bundled(['verify', 'latest'], { ...store, BACKUP_AGE_IDENTITY_FILE: key.file });
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});

test('a run on a terminal is for people', async () => {
  const command = `exec "${process.execPath}" "${built.main}"`;
  const env = {
    ...backedUp.cluster.env,
    ...backedUp.env,
    CLUSTER_NAME: 'prod',
    DRY_RUN: 'true',
    TERMINATION_LOG: join(out.path, 'end'),
    PATH: process.env.PATH ?? '',
  };
  const stdout = await runProgram('script', ['-qec', command, '/dev/null'], { env });
  assert.match(stdout, /INFO.*run started/);
});
