import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { REPOSITORY } from '../support/repository.ts';
import { helm, type HelmVersion, kubernetes } from '../support/tools.ts';
import { CHART, HELM_VERSIONS } from './chart.ts';
import { type Server, startServer } from './server.ts';

/** What the pages tell a reader to type, typed as it stands and in that order, into a cluster where nothing is yet. */

const PAGES = ['docs/install.md', 'chart/README.md'];
/** What the reader has. Nobody looks into them there. */
const FILES = ['ca.crt', 'tls.crt', 'tls.key', 'backup-key.txt'];

for (const version of HELM_VERSIONS) {
  describe(`helm ${version}`, () => {
    for (const page of PAGES) {
      test(`the commands of ${page}`, async () => {
        await using server = await startServer();
        await using reader = await readerWith(server, version);
        const blocks = commandsOf(await readFile(join(REPOSITORY, page), 'utf8'));
        for (const block of blocks) await reader.types(block);
        const listed = await server.helm(version, 'default', 'list', '--all-namespaces', '--short');
        assert.equal(listed, 'etcd-upkeep\netcd-upkeep\n', 'one on kubeadm, one for any other etcd');
      });
    }
  });
}

describe('a pause by hand lasts until the next upgrade', () => {
  let server: Server;
  before(async () => {
    server = await startServer();
  });
  after(() => server[Symbol.asyncDispose]());

  for (const version of HELM_VERSIONS) {
    test(`helm ${version}`, async () => {
      await using reader = await readerWith(server, version);
      const upgrade = (...args: string[]) =>
        server.helm(version, 'kube-system', 'upgrade', '--install', 'etcd-upkeep', CHART, ...args);
      const suspended = () =>
        server.api.kubectl('-n=kube-system', 'get', 'cronjob/etcd-upkeep', '-o=jsonpath={.spec.suspend}');
      await upgrade();

      const page = await readFile(join(REPOSITORY, 'docs/operations.md'), 'utf8');
      const [, pause] = /`(kubectl \S+ \S+ patch cronjob [^`]*)`/.exec(page) ?? [];
      assert.ok(pause);
      await reader.types(pause);
      assert.equal(await suspended(), 'true');
      if (version.startsWith('4.')) {
        await assert.rejects(upgrade(), /conflict with "kubectl-patch".*\.spec\.suspend/);
        assert.equal(await suspended(), 'true');
        await upgrade('--force-conflicts');
      } else {
        await upgrade();
      }
      assert.equal(await suspended(), 'false');
      await server.helm(version, 'kube-system', 'uninstall', 'etcd-upkeep');
    });
  }
});

interface Reader extends AsyncDisposable {
  types(commands: string): Promise<string>;
}

/** A shell in a checkout, with what the pages take for granted. */
async function readerWith({ api }: Server, version: HelmVersion): Promise<Reader> {
  const { path, ...folder } = await scratchFolder('reader');
  await symlink(CHART, join(path, 'chart'));
  for (const file of FILES) await writeFile(join(path, file), file);
  const programs = join(path, 'bin');
  await mkdir(programs);
  await symlink(await helm(version), join(programs, 'helm'));
  await symlink(await kubernetes('kubectl'), join(programs, 'kubectl'));
  const env = { ...api.env, PATH: `${programs}:${process.env.PATH}` };
  return {
    ...folder,
    types: (commands) => runProgram('sh', ['-euc', commands], { cwd: path, env }),
  };
}

/** The blocks for helm and kubectl, without what is not published yet, and without waiting for pods: no node is there. */
function commandsOf(text: string): string[] {
  return Array.from(text.matchAll(/^```sh\n(.*?)^```$/gms), ([, block = '']) => block)
    .filter((block) => /^(helm|kubectl) /m.test(block) && !block.includes('oci://'))
    .map((block) => block.replaceAll(/^until .*\n/gm, ''));
}
