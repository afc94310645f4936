import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from './support/run-program.ts';
import { type Scratch, scratchFolder } from './support/scratch-folder.ts';
import { actionlint } from './support/tools.ts';
import { REPOSITORY } from './support/repository.ts';

// The workflows run on GitHub only. Here: their form, and the check that a release starts with.

const WORKFLOWS = join(REPOSITORY, '.github/workflows');

async function lint(...files: string[]): Promise<string> {
  // Neither is a part of actionlint, and whether a machine has them must not decide on the result.
  return runProgram(await actionlint(), ['-no-color', '-shellcheck=', '-pyflakes=', ...files]);
}

async function workflows(): Promise<string[]> {
  const names = await readdir(WORKFLOWS);
  return names.map((name) => join(WORKFLOWS, name));
}

test('the workflows are what GitHub takes', async () => {
  assert.equal(await lint(...(await workflows())), '');
});

test('a workflow that GitHub would not take is found', async () => {
  await using folder = await scratchFolder('workflow');
  const path = join(folder.path, 'broken.yaml');
  const release = await readFile(join(WORKFLOWS, 'release.yaml'), 'utf8');
  const broken = async (from: string, to: string) => {
    assert.ok(release.includes(from), from);
    await writeFile(path, release.replace(from, to));
    return lint(path);
  };
  await assert.rejects(broken('needs: [check, image]', 'needs: [check, imag]'), /imag/);
  await assert.rejects(broken('steps.build.outputs', 'steps.built.outputs'), /"built" is not defined/);
  await assert.rejects(broken('"$GITHUB_REF_NAME" >', `"\${{ github.head_ref }}" >`), /untrusted/);
});

test('every action is pinned to a commit, and no job has a right that it did not ask for', async () => {
  for (const path of await workflows()) {
    const text = await readFile(path, 'utf8');
    assert.match(text, /^permissions: \{\}$/m, path);
    for (const [line] of text.matchAll(/uses: (?!\.\/).*/g)) {
      assert.match(line, /^uses: [\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, path);
    }
  }
});

/** The files that name the version, as they are here but for a changelog that has the version's notes. */
const CHANGELOG = `# Changelog

## [Unreleased]

- Not yet.

## [VERSION] - 2026-01-31

### Added

- The new thing.

## [0.0.9] - 2026-01-01

- An old thing.

[0.0.9]: https://github.com/etcd-upkeep/etcd-upkeep/releases/tag/v0.0.9
`;
const VERSIONED = ['package.json', 'package-lock.json', 'Dockerfile', 'chart/Chart.yaml'];
const { version }: { version: string } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8'));

interface Released extends Scratch {
  check(tag: string): Promise<string>;
  edit(name: string, from: string, to: string): Promise<void>;
}

async function released(): Promise<Released> {
  const folder = await scratchFolder('release');
  for (const name of [...VERSIONED, '.ci/check-release']) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await cp(join(REPOSITORY, name), join(folder.path, name));
  }
  await writeFile(join(folder.path, 'CHANGELOG.md'), CHANGELOG.replace('VERSION', version));
  return {
    ...folder,
    check: (tag) => runProgram(join(folder.path, '.ci/check-release'), [tag]),
    edit: async (name, from, to) => {
      const path = join(folder.path, name);
      const text = await readFile(path, 'utf8');
      assert.ok(text.includes(from), `${name} has no ${from}`);
      await writeFile(path, text.replace(from, to));
    },
  };
}

test('a release whose versions agree gets the notes of its version and no others', async () => {
  await using release = await released();
  assert.equal(await release.check(`v${version}`), '### Added\n\n- The new thing.\n');
});

test('every place that names another version is told at once', async () => {
  await using release = await released();
  await assert.rejects(release.check('v99.0.0'), (error: Error) => {
    for (const name of [...VERSIONED, 'CHANGELOG.md'])
      assert.match(error.message, new RegExp(`${name} (says|has|\\()`));
    assert.match(error.message, /appVersion.*artifacthub/s);
    return true;
  });
});

const MISTAKES: [name: string, from: string, to: string, told: RegExp][] = [
  [
    'package.json',
    `"version": "${version}"`,
    '"version": "99.0.0"',
    / package\.json \(version\) says 99\.0\.0/,
  ],
  ['Dockerfile', `ARG VERSION=${version}`, 'ARG VERSION=', /Dockerfile \(ARG VERSION\) says nothing/],
  ['chart/Chart.yaml', `\nversion: ${version}`, '\nversion: 99.0.0', /Chart\.yaml \(version\) says 99/],
  [
    'chart/Chart.yaml',
    `appVersion: ${version}`,
    'appVersion: "99.0.0"',
    /Chart\.yaml \(appVersion\) says 99\.0\.0,/,
  ],
  ['CHANGELOG.md', ' - 2026-01-31', ' - soon', /CHANGELOG\.md has no notes/],
  ['CHANGELOG.md', '### Added\n\n- The new thing.\n', '', /CHANGELOG\.md has no notes/],
];
for (const [name, from, to, told] of MISTAKES) {
  test(`a release is refused with ${JSON.stringify(to)} in ${name}`, async () => {
    await using release = await released();
    await release.edit(name, from, to);
    await assert.rejects(release.check(`v${version}`), told);
  });
}

test('a tag that is no version is refused', async () => {
  await using release = await released();
  for (const tag of [version, `v${version}x`, 'v1', `v${version}\nx`, `v${version}; true`]) {
    await assert.rejects(release.check(tag), /is no version/);
  }
});
