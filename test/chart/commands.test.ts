import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { REPOSITORY } from '../support/repository.ts';
import { helm, kubernetes } from '../support/tools.ts';
import { CHART, HELM_VERSIONS } from './chart.ts';
import { startServer } from './server.ts';

/** What the pages tell a reader to type, typed as it stands and in that order, into a cluster where nothing is yet. */

const PAGES = ['docs/install.md', 'chart/README.md'];
/** What the reader has. Nobody looks into them there. */
const FILES = ['ca.crt', 'tls.crt', 'tls.key', 'backup-key.txt'];

for (const version of HELM_VERSIONS) {
  describe(`helm ${version}`, () => {
    for (const page of PAGES) {
      test(`the commands of ${page}`, async () => {
        await using server = await startServer();
        await using folder = await scratchFolder('reader');
        await symlink(CHART, join(folder.path, 'chart'));
        for (const file of FILES) await writeFile(join(folder.path, file), file);
        const programs = join(folder.path, 'bin');
        await mkdir(programs);
        await symlink(await helm(version), join(programs, 'helm'));
        await symlink(await kubernetes('kubectl'), join(programs, 'kubectl'));
        const env = { ...server.api.env, PATH: `${programs}:${process.env.PATH}` };

        const blocks = commandsOf(await readFile(join(REPOSITORY, page), 'utf8'));
        for (const block of blocks) await runProgram('sh', ['-euc', block], { cwd: folder.path, env });
        const listed = await server.helm(version, 'default', 'list', '--all-namespaces', '--short');
        assert.equal(listed, 'etcd-upkeep\netcd-upkeep\n', 'one on kubeadm, one for any other etcd');
      });
    }
  });
}

/** The blocks for helm and kubectl, without what is not published yet, and without waiting for pods: no node is there. */
function commandsOf(text: string): string[] {
  return Array.from(text.matchAll(/^```sh\n(.*?)^```$/gms), ([, block = '']) => block)
    .filter((block) => /^(helm|kubectl) /m.test(block) && !block.includes('oci://'))
    .map((block) => block.replaceAll(/^until .*\n/gm, ''));
}
