import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { manifestName } from '../../src/backup/names.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { freePort } from '../support/free-port.ts';
import { runProgram } from '../support/run-program.ts';
import { type JobResult, runJob } from '../support/run-job.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { runCommand } from './run-command.ts';

/** Clears a screen, turns text around, hides itself, and would like to be a second member. */
const EVIL = 'evil\u001b[2J\u009b31m\u202e\u200b\u2028\nFAKE  leader  3.6.0';
/** Not as a literal: there it would be one of the characters that nobody should write. */
const COLOUR = new RegExp(String.raw`\x1b\[\d+m`, 'g');
const VISIBLE = 'evil<U+001B>[2J<U+009B>31m<U+202E><U+200B><U+2028><U+000A>FAKE  leader  3.6.0';

let cluster: Cluster;
let scratch: Scratch;
let env: Record<string, string>;
let folder: string;
let name: string;

before(async () => {
  let peer = '';
  scratch = await scratchFolder('evil');
  cluster = await startCluster({
    advertisePeer: ({ peerUrl }) => (peer = peerUrl),
    extraArgs: () => [`--name=${EVIL}`, `--initial-cluster=${EVIL}=${peer}`],
  });
  folder = join(scratch.path, 'store', 'prod');
  env = {
    ...cluster.env,
    BACKUP_STORE: `file://${join(scratch.path, 'store')}`,
    CLUSTER_NAME: 'prod',
    COMPACTION_ENABLED: 'false',
    DEFRAG_ENABLED: 'false',
  };
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

function assertHarmless({ stdout, stderr }: Pick<JobResult, 'stdout' | 'stderr'>): void {
  const text = `${stdout}${stderr}`;
  const found = /[^\P{Cc}\n]|\p{Cf}|\p{Zl}|\p{Zp}/u.exec(text);
  assert.equal(found, null, JSON.stringify(text));
  assert.doesNotMatch(text, /^FAKE/m, 'a line of its own');
}

/** Somebody who is sent reports. */
async function startListener() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
    request.on('end', () => response.end());
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${port}/`, bodies, [Symbol.asyncDispose]: close };
}

/** The command's words as a person sees them, none of which a terminal obeys. */
async function seen(args: string[], code: number, more: Record<string, string> = {}): Promise<string> {
  const result = await runCommand(args, { ...env, ...more });
  assert.equal(result.code, code, result.stdout + result.stderr);
  assertHarmless(result);
  return result.stdout + result.stderr;
}

test('a run tells of a member with such a name in whole lines of JSON', async () => {
  const result = await runJob(env);
  assert.equal(result.code, 0, result.stdout);
  assertHarmless(result);
  const { members, backup }: { members: { name: string }[]; backup: { name: string } } = JSON.parse(
    JSON.stringify(result.report),
  );
  assert.equal(members[0]?.name, EVIL, 'escaped, and nothing of it lost');
  ({ name } = backup);
});

test('what a run leaves for others to show is harmless on a terminal too', async () => {
  await using heard = await startListener();
  const textfile = join(scratch.path, 'upkeep.prom');
  const job = { ...env, METRICS_TEXTFILE: textfile, HEARTBEAT_URL: heard.url, NODE_NAME: EVIL };
  const { code, stdout, terminationMessage = '' } = await runJob(job);
  assert.equal(code, 0, stdout);
  const [manifest = ''] = (await readdir(folder))
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .slice(-1);
  const texts = {
    terminationMessage,
    manifest: await readFile(join(folder, manifest), 'utf8'),
    metrics: await readFile(textfile, 'utf8'),
    heartbeat: heard.bodies.join(''),
  };
  for (const text of Object.values(texts)) assertHarmless({ stdout: text, stderr: '' });
  assert.ok(texts.metrics.includes(VISIBLE), texts.metrics);
  assert.equal(JSON.parse(texts.manifest).node, EVIL, 'escaped, and nothing of it lost');
  assert.equal(JSON.parse(texts.heartbeat).members[0].name, EVIL);
});

test('a termination message tells of a lock whose holder has such a name', async () => {
  await cluster.etcdctl('put', 'etcd-upkeep/lock', EVIL);
  const { code, terminationMessage = '' } = await runJob(env);
  await cluster.etcdctl('del', 'etcd-upkeep/lock');
  assert.equal(code, 6);
  assertHarmless({ stdout: terminationMessage, stderr: '' });
  assert.ok(JSON.parse(terminationMessage).error.includes(EVIL), terminationMessage);
});

test('status shows the name, and one member', async () => {
  const table = await seen(['status'], 0);
  assert.ok(table.includes(VISIBLE), table);
  const document = JSON.parse(await seen(['status', '-o', 'json'], 0));
  assert.deepEqual(
    document.members.map((member: { name: string }) => member.name),
    [EVIL],
  );
});

test('a run on a terminal shows it, pretty and as a table', async () => {
  const command = `stty cols 400; exec "${process.execPath}" src/main.ts`;
  const given = {
    ...env,
    TERMINATION_LOG: join(scratch.path, 'end'),
    PATH: process.env.PATH ?? '',
    NO_COLOR: '1',
    FORCE_COLOR: '0',
  };
  const stdout = await runProgram('script', ['-qec', command, '/dev/null'], { env: given });
  // The terminal makes \r\n of each line's end, and what makes the log pretty colours it.
  const plain = stdout.replaceAll('\r\n', '\n').replaceAll(COLOUR, '');
  assertHarmless({ stdout: plain, stderr: '' });
  assert.ok(plain.includes(VISIBLE), plain);
});

test('fetch and drill show it', async () => {
  const [file, receipt] = [join(scratch.path, 'snapshot.db'), join(scratch.path, 'receipt')];
  const told = await seen(['fetch', name, file, '--receipt', receipt], 0);
  assert.ok(told.includes(VISIBLE), told);
  const text = await readFile(receipt, 'utf8');
  assert.equal(JSON.parse(text).manifest.member.name, EVIL);
  assertHarmless({ stdout: text, stderr: '' });
  await seen(['drill', '--receipt', receipt], 2);
});

test('list, history and verify show what an altered manifest says', async () => {
  const path = join(folder, manifestName(name));
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  await rm(path);
  await writeFile(
    path,
    JSON.stringify({ ...manifest, problems: [EVIL], cluster: { ...manifest.cluster, name: EVIL } }),
  );
  const commands: [args: string[], code: number, told: string][] = [
    [['list'], 0, VISIBLE],
    [['list', '-o', 'json'], 0, '\\u001b[2J\\u009b31m\\u202e'],
    [['history'], 0, VISIBLE],
    [['verify', 'all'], 4, VISIBLE],
  ];
  for (const [args, code, shown] of commands) {
    const told = await seen(args, code);
    assert.ok(told.includes(shown), told);
  }
  await rm(path);
  await writeFile(path, JSON.stringify({ ...manifest, problems: [EVIL] }));
  assert.ok((await seen(['history'], 0)).includes(VISIBLE));
  const { stdout } = await runCommand(['history', '-o', 'html'], env);
  assert.match(stdout, /evil&lt;U\+001B&gt;\[2J&lt;U\+009B&gt;31m&lt;U\+202E&gt;/);
  // Line breaks mean nothing in a page.
  assertHarmless({ stdout: stdout.replaceAll('\n', ' '), stderr: '' });
});

test('folders of clusters with such names are listed in one line', async () => {
  await mkdir(join(scratch.path, 'store', EVIL));
  const told = await seen(['list'], 2, { CLUSTER_NAME: '' });
  assert.ok(told.includes(VISIBLE), told);
});
