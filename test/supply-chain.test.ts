import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { REPOSITORY } from './support/repository.ts';

const read = (name: string): Promise<string> => readFile(join(REPOSITORY, name), 'utf8');

/** The part of a package in the lock file that is looked at. */
interface Locked {
  version?: string;
  resolved?: string;
  integrity?: string;
  inBundle?: boolean;
}

const lock: { packages: Record<string, Locked> } = JSON.parse(await read('package-lock.json'));
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');

describe('the lock file', () => {
  test('says of every package where it is from and what is in it', () => {
    assert.ok(packages.length > 100);
    const wrong = packages.flatMap(([path, { version, resolved = '', integrity = '' }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const file = `${name.slice(name.lastIndexOf('/') + 1)}-${version}.tgz`;
      const { protocol, username, port, pathname } = URL.parse(resolved) ?? {};
      const isWhole =
        protocol === 'https:' &&
        username === '' &&
        port === '' &&
        pathname === `/${name}/-/${file}` &&
        /^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity);
      return isWhole ? [] : path;
    });
    assert.deepEqual(
      wrong,
      [],
      'npm install --package-lock-only --omit-lockfile-registry-resolved=false fills it',
    );
    // A machine's own mirror among them would be asked by nobody else.
    assert.equal(new Set(packages.map(([, { resolved = '' }]) => URL.parse(resolved)?.host)).size, 1);
  });

  test('has the versions that package.json asks for', async () => {
    const { dependencies, devDependencies } = JSON.parse(await read('package.json'));
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      assert.equal(lock.packages[`node_modules/${name}`]?.version, version, name);
  });
});

describe('the Dockerfile', () => {
  test('names its base by digest, and the Node that is tested', async () => {
    const dockerfile = await read('Dockerfile');
    const base = /^ARG BASE=(.*)$/m.exec(dockerfile)?.[1] ?? '';
    assert.match(base, /^docker\.io\/library\/node:\d+\.\d+\.\d+-bookworm-slim@sha256:[0-9a-f]{64}$/);
    const { devDependencies } = JSON.parse(await read('package.json'));
    assert.ok(base.includes(`node:${devDependencies.node}-`), `${base} is not Node ${devDependencies.node}`);
    for (const [line] of dockerfile.matchAll(/^FROM .*/gm)) assert.match(line, /^FROM (\$\{BASE\}|scratch$)/);
  });
});
