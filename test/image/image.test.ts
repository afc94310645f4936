import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import packageJson from '../../package.json' with { type: 'json' };
import { messageOf } from '../../src/errors.ts';
import { builtBundle } from '../bundle/built.ts';
import { startCluster } from '../support/etcd-cluster.ts';
import { freePort } from '../support/free-port.ts';
import { runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { filesBelow, onlyBackup } from '../support/stored-backup.ts';
import { BASE, NODE } from './base.ts';
import { BUILD_ARGS, build, buildImage } from './build.ts';
import { type Container, runContainer, startContainer } from './container.ts';
import { filesOf } from './files.ts';
import { containerSite } from './container-access.ts';

const OWN_USER = 65_532;
/** Of the kind that OpenShift gives to a namespace: in no file of the image, above what 16 bits hold. */
const ANY_USER = 1_000_650_000;
/** Of which Node has 120. */
const MAX_BYTES = 170 * 2 ** 20;
const MAX_END_MS = 5_000;

const TYPE = 0o170000;
const SYMBOLIC_LINK = 0o120000;

const NOWHERE = `https://127.0.0.1:${await freePort()}`;

// Out here and not in a hook: when the image cannot be built, that is the one thing to say.
const image = await buildImage();
const files = await filesOf(image);
const cluster = await startCluster({ tls: true });
after(() => cluster[Symbol.asyncDispose]());

test('the image says what it is, starts without a shell and is not root', (t) => {
  assert.equal(image.user, `${OWN_USER}:${OWN_USER}`);
  assert.deepEqual(image.entrypoint, ['node', '--disable-sigusr1', 'lib/main.js']);
  assert.equal(image.workingDir, '/app');
  assert.ok(image.env.includes('NODE_ENV=production'));
  t.diagnostic(`the image has ${Math.round(image.bytes / 1e6)} MB`);
  assert.ok(
    image.bytes < MAX_BYTES,
    `${image.bytes} bytes: see what .dockerignore and the Dockerfile let in`,
  );
});

test('its labels say where it comes from, with the version that the job tells', async () => {
  const { version, description } = packageJson;
  const home = 'https://github.com/etcd-upkeep/etcd-upkeep';
  const labels = Object.entries(image.labels).flatMap(([name, value]) => {
    const [, key] = /^org\.opencontainers\.image\.(.+)$/.exec(name) ?? [];
    return key === undefined ? [] : [[key, value]];
  });
  assert.deepEqual(Object.fromEntries(labels), {
    title: 'etcd-upkeep',
    description,
    licenses: 'Apache-2.0',
    url: home,
    source: home,
    documentation: `${home}#readme`,
    version,
    revision: BUILD_ARGS.REVISION,
    created: BUILD_ARGS.CREATED,
    'base.name': BASE,
  });
  const { lines } = await runContainer(image, { env: { ETCDCTL_ENDPOINTS: NOWHERE, DRY_RUN: 'true' } });
  const started = lines.find(({ msg }) => msg === 'run started');
  assert.equal(started?.['version'], version);
});

test('a build under another version than that of package.json is refused', async () => {
  const refused = await build(`${image.name}-refused`, { VERSION: '99.0.0' }).catch(
    (error: unknown) => error,
  );
  assert.match(messageOf(refused), /VERSION is 99\.0\.0 and package\.json says/);
});

const paths = new Set(files.map(({ path }) => path));
const namesIn = (folder: string): string[] =>
  [...paths]
    .filter((path) => dirname(path) === folder)
    .map((path) => basename(path))
    .toSorted();

test('it holds the job as it is bundled, and nothing of its development', async () => {
  assert.deepEqual(namesIn('/app'), ['.compile-cache', 'LICENSE', 'lib', 'node_modules', 'package.json']);
  await using built = await builtBundle();
  const bundled = await readdir(built.folder, { recursive: true });
  const inside = [...paths].filter((path) => /^\/app\/(lib|node_modules)/.test(path));
  assert.deepEqual(
    inside.toSorted(),
    bundled.flatMap((path) => (/^(lib|node_modules)/.test(path) ? `/app/${path}` : [])).toSorted(),
  );
});

test('of the system it holds what runs, and what says where that comes from', () => {
  const top = 'app bin dev drill etc lib proc root run sbin sys tmp usr var'.split(' ');
  const found = namesIn('/').filter((name) => name !== 'lib64'); // which arm64 has not
  assert.deepEqual(found, top);
  assert.deepEqual(namesIn('/usr/bin'), ['cat', 'rm', 'seq', 'sh', 'sleep']);
  assert.deepEqual(namesIn('/usr/local/bin'), ['etcd-upkeep', 'node']);
  for (const folder of ['/usr/sbin', '/tmp', '/var/tmp', '/root', '/drill'])
    assert.deepEqual(namesIn(folder), []);
  const packages = ['base-files', 'coreutils', 'dash', 'libc6', 'libgcc-s1', 'libstdc++6'];
  assert.deepEqual(namesIn('/var/lib/dpkg/status.d'), packages);
  assert.deepEqual(namesIn('/usr/share/doc'), packages);
  const setUid = files.filter(({ mode }) => (mode & TYPE) !== SYMBOLIC_LINK && (mode & 0o6000) !== 0);
  assert.deepEqual(setUid, []);
});

test('a scanner finds the versions of those packages', async () => {
  const { stdout, stderr } = await runContainer(image, {
    program: [
      'node',
      '-p',
      'JSON.stringify(fs.readdirSync("/var/lib/dpkg/status.d").map((name) => fs.readFileSync("/var/lib/dpkg/status.d/" + name, "utf8")))',
    ],
  });
  const told: string[] = JSON.parse(stdout);
  assert.ok(told.length > 0, stderr);
  for (const text of told) {
    assert.match(text, /^Package: \S+$/m);
    assert.match(text, /^Version: \S+$/m);
    assert.match(text, /^Status: install ok installed$/m);
  }
});

test('it has the command by its name, names of hosts, and a shell for it', async () => {
  const named = await runContainer(image, { program: ['etcd-upkeep'], env: { DRY_RUN: 'perhaps' } });
  assert.deepEqual(
    { code: named.code, exitCode: named.report?.exitCode },
    { code: 2, exitCode: 2 },
    named.stderr,
  );
  const script =
    'for try in $(seq 3); do sleep 0.01; done; cat /etc/os-release >/drill/here && rm /drill/here && echo 1';
  await using folder = await scratchFolder('drill');
  const shell = await runContainer(image, {
    user: '0',
    program: ['sh', '-ec', script],
    writable: { '/drill': folder.path },
  });
  assert.deepEqual(
    { code: shell.code, stdout: shell.stdout, stderr: shell.stderr },
    { code: 0, stdout: '1\n', stderr: '' },
  );
  const lookup =
    'dns.promises.lookup("localhost").then(({ address }) => console.log(JSON.stringify({ address })))';
  const looked = await runContainer(image, { program: ['node', '-e', lookup] });
  assert.match(looked.stdout, /127\.0\.0\.1|::1/, looked.stderr);
});

test('its files can be read by every user and changed by none but root', () => {
  const own = files.filter(({ path }) => path.startsWith('/app/'));
  assert.ok(own.length > 200, `only ${own.length} files`);
  for (const { path, uid, gid, mode } of own) {
    assert.deepEqual({ path, uid, gid }, { path, uid: 0, gid: 0 });
    assert.equal(mode & 0o004, 0o004, `${path} cannot be read by every user`);
    assert.ok((mode & TYPE) === SYMBOLIC_LINK || (mode & 0o022) === 0, `${path} can be changed by others`);
  }
});

test('any user may write to a new volume on /drill: Docker gives it the mode of that folder', async () => {
  const { stdout } = await runContainer(image, {
    program: ['node', '-p', 'fs.statSync("/drill").mode & 0o7777'],
  });
  assert.equal(Number(stdout), 0o1777);
});

for (const uid of [OWN_USER, 0, ANY_USER]) {
  test(`as uid ${uid} it backs up with a read-only root and no capabilities`, async () => {
    await using site = await containerSite(cluster, uid);
    const { code, report, stderr } = await runContainer(image, site.options);
    assert.equal(code, 0, JSON.stringify(report) + stderr);
    assert.equal(stderr, '');
    assert.deepEqual({ msg: report?.msg, exitCode: report?.exitCode }, { msg: 'report', exitCode: 0 });
    assert.equal(JSON.parse(await site.terminationMessage()).exitCode, 0);
    const { file } = await onlyBackup(site.backups);
    for (const path of [file, `${file}.json`]) {
      const { mode, uid: owner } = await stat(path);
      assert.deepEqual({ path, mode: mode & 0o777, owner }, { path, mode: 0o600, owner: uid });
    }
    assert.equal((await stat(dirname(file))).mode & 0o777, 0o700);
    assert.deepEqual(await filesBelow(site.temporary), [], 'something was left behind');
  });
}

for (const uid of [OWN_USER, 0]) {
  test(`as uid ${uid} it starts from what was compiled at build time`, async (t) => {
    const stranger = await compiledElsewhere(uid);
    if (stranger !== undefined)
      return t.skip(`the cached layer is from another kind of processor: ${stranger}`);
    const env = { DRY_RUN: 'perhaps', NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    const { stderr } = await runContainer(image, { user: String(uid), env });
    const accepted = stderr.match(/V8 code cache for .* was accepted/g) ?? [];
    const own = accepted.filter((line) => line.includes('/app/lib/'));
    assert.ok(own.length > 15, stderr.slice(0, 2_000));
    assert.doesNotMatch(stderr, /was rejected|not initialized|Cannot create/);
  });

  test(`as uid ${uid} and process 1 it ends within seconds on SIGTERM`, async () => {
    await using silent = await startTcpProxy(cluster.endpoints);
    silent.hang();
    const env = { ETCDCTL_ENDPOINTS: silent.url, ETCDCTL_DIAL_TIMEOUT: '1m', ETCDCTL_COMMAND_TIMEOUT: '1m' };
    const container = startContainer(image, { user: String(uid), env });
    while (silent.connections === 0) await Promise.race([sleep(20), endedEarly(container)]);
    const sentAt = Date.now();
    await container.signal('SIGTERM');
    const { code, report, stderr } = await container.finished;
    assert.deepEqual(
      { code, outcome: report?.outcome, stderr },
      { code: 143, outcome: 'aborted', stderr: '' },
    );
    assert.ok(Date.now() - sentAt < MAX_END_MS, `it took ${Date.now() - sentAt} ms`);
  });
}

test('it says with 3 that there is no etcd, also as a user whose group is root', async () => {
  const env = { ETCDCTL_ENDPOINTS: NOWHERE, ETCDCTL_DIAL_TIMEOUT: '1s' };
  const { code, report, stderr } = await runContainer(image, { user: `${ANY_USER}:0`, env });
  assert.deepEqual({ code, outcome: report?.outcome, stderr }, { code: 3, outcome: 'failed', stderr: '' });
});

test('a wrong configuration ends it with 2', async () => {
  const { code, report, stderr } = await runContainer(image, { env: { DRY_RUN: 'perhaps' } });
  assert.deepEqual({ code, exitCode: report?.exitCode, stderr }, { code: 2, exitCode: 2, stderr: '' });
  assert.match(JSON.stringify(report), /DRY_RUN/);
});

/** What was compiled fits processors with the same features only, and a cached layer may come from another machine. */
async function compiledElsewhere(uid: number): Promise<string | undefined> {
  const tag =
    '`${process.version}-${process.arch}- ${v8.cachedDataVersionTag().toString(16).padStart(8, 0)}`';
  const [version = '', features = ''] = (await runProgram(NODE, ['-p', tag])).trim().split(' ');
  const names = files.flatMap(({ path }) => /^\/app\/\.compile-cache\/([^/]+)$/.exec(path)?.[1] ?? []);
  const own = names.filter((name) => name.startsWith(version) && name.endsWith(`-${uid}`));
  assert.equal(own.length, 1, `${version} for uid ${uid} should be among: ${names.join(', ')}`);
  return own[0]?.includes(features) ? undefined : own[0];
}

async function endedEarly({ finished }: Container): Promise<never> {
  const { code, lines, stderr } = await finished;
  throw new Error(`the container ended with ${code}: ${JSON.stringify(lines)} ${stderr}`);
}
