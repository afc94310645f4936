import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { packagesIn } from '../../build/packages.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { REPOSITORY } from '../support/repository.ts';
import { assertRunEnded } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { type Built, builtBundle } from './built.ts';

const NATIVE = /^node_modules\/@node-rs\/crc32/;
const MAX_BYTES = 6 * 2 ** 20;

let built: Built;

before(async () => {
  built = await builtBundle();
});
after(() => built[Symbol.asyncDispose]());

const papers = (files: string[]): string[] => files.filter((file) => /^(licen[cs]e|notice)/i.test(file));

interface PackageJson {
  name: string;
  version: string;
  license?: string;
}

const packageJson = async (folder: string): Promise<PackageJson> =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));

/** What the bundle is made of. */
const inputs = (): string[] =>
  Object.values(built.metafile.outputs).flatMap((output) => Object.keys(output.inputs));

describe('its packages', () => {
  test('are all there with name, version and licence, and no others', async () => {
    const packages = packagesIn(built.metafile);
    assert.ok(packages.length > 50, packages.join());
    const found = (await readdir(join(built.folder, 'node_modules'), { recursive: true }))
      .filter((path) => path.endsWith('package.json'))
      .map((path) => join('node_modules', dirname(path)));
    assert.deepEqual(found.filter((path) => !NATIVE.test(path)).toSorted(), packages.toSorted());
    assert.equal(
      found.filter((path) => NATIVE.test(path)).length,
      2,
      'the package, and its part for this machine',
    );
    const lock = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8'));
    for (const path of found) {
      const { name, version, license } = await packageJson(join(built.folder, path));
      assert.ok(path.endsWith(`node_modules/${name}`), path);
      assert.equal(version, lock.packages[path].version, path);
      assert.notEqual(lock.packages[path].dev, true, `${path} is for development`);
      assert.ok(license, path);
    }
  });

  test('have left their licences, each that has one', async () => {
    for (const path of packagesIn(built.metafile)) {
      assert.deepEqual(
        papers(await readdir(join(built.folder, path))),
        papers(await readdir(join(REPOSITORY, path))),
        path,
      );
    }
  });
});

test('it has no parser of .proto, and nothing of its development', () => {
  const unwanted = inputs().filter((input) =>
    /protobufjs\/(src\/(parse|tokenize)|ext\/descriptor)|proto-loader\/|^(test|\.cache)\/|^node_modules\/(esbuild|typescript)\//.test(
      input,
    ),
  );
  assert.deepEqual(unwanted, []);
});

test('it is small', () => {
  const bytes = Object.values(built.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
  assert.ok(bytes < MAX_BYTES, `${bytes} bytes`);
});

describe('what is loaded', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster[Symbol.asyncDispose]());

  /** The packages in the chunks that a run asks for. */
  async function packagesOf(env: Record<string, string>, code: number): Promise<string[]> {
    await using scratch = await scratchFolder('loaded');
    const list = join(scratch.path, 'list');
    const preload = `import { appendFileSync } from 'node:fs';
      import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); } });`;
    const result = await runJob(
      { ...cluster.env, BACKUP_STORE: `file://${scratch.path}`, CLUSTER_NAME: 'prod', ...env },
      { script: built.main, nodeArgs: [`--import=data:text/javascript,${encodeURIComponent(preload)}`] },
    );
    assertRunEnded(result, code, code === 0 ? 'nothing-needed' : 'failed');
    const loaded = new Set((await readFile(list, 'utf8')).split('\n'));
    const chunks = Object.entries(built.metafile.outputs).filter(([path]) =>
      loaded.has(pathToFileURL(join(REPOSITORY, path)).href),
    );
    return packagesIn({ ...built.metafile, outputs: Object.fromEntries(chunks) });
  }

  const LAZY = /node_modules\/(@aws|@smithy|@noble|age-encryption|pino-pretty|prom-client|yaml)\b/;

  test('by a run into a folder is neither a bucket, nor encryption, nor metrics, nor what makes a log pretty', async () => {
    const packages = await packagesOf({}, 0);
    assert.ok(
      packages.includes('node_modules/etcd3') && packages.includes('node_modules/pino'),
      packages.join(),
    );
    assert.deepEqual(
      packages.filter((name) => LAZY.test(name)),
      [],
    );
  });

  test('by a run that needs them is', async () => {
    await using out = await scratchFolder('metrics');
    const env = {
      METRICS_TEXTFILE: join(out.path, 'etcd.prom'),
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
      BACKUP_STORE: 's3://none',
    };
    const packages = await packagesOf(
      { ...env, AWS_REGION: 'none', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
      4,
    );
    for (const name of ['@aws-sdk/client-s3', 'prom-client'])
      assert.ok(packages.includes(`node_modules/${name}`), name);
  });
});
