import assert from 'node:assert/strict';
import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { COMMANDS } from '../../src/commands/help.ts';
import { type EndSignal, exitCodeOf, Failure, type FailureKind, Interrupted } from '../../src/errors.ts';
import { PAGES, read, ROOT } from './pages.ts';

/** What pages say that the source says too. */

/** All kinds: one that is missing here does not compile. */
const KINDS = {
  configuration: true,
  unreachable: true,
  backup: true,
  step: true,
  refused: true,
  locked: true,
  interrupted: true,
} satisfies Record<FailureKind, true>;
const SIGNALS: readonly EndSignal[] = ['SIGTERM', 'SIGINT'];

/** The cells of a page's tables, row by row. */
const rowsOf = (page: string): string[][] =>
  Array.from(read(page).matchAll(/^\| (.+) \|$/gm), ([, row = '']) => row.split(/(?<!\\) ?\| ?/));

const sorted = (values: Iterable<string>): string[] => [...new Set(values)].toSorted();

test('README.md is at most 10,000 bytes', () => {
  assert.ok(statSync(join(ROOT, 'README.md')).size <= 10_000);
});

test('every variable that is read is in docs/configuration.md, and no other', () => {
  const files = globSync('src/config/**/*.ts', { cwd: ROOT }).filter(
    // The former knows other programs' variables, the latter names of S3.
    (file) => !/\/(unknown|s3-[\w-]+)\.ts$/.test(file),
  );
  const known = files.flatMap((file) =>
    Array.from(read(file).matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g), ([, name = '']) => name),
  );
  const documented = rowsOf('docs/configuration.md').flatMap(([first = '']) =>
    Array.from(first.matchAll(/`([A-Z][A-Z0-9_]+)`/g), ([, name = '']) => name),
  );
  assert.ok(documented.length > 40);
  assert.deepEqual(sorted(documented), sorted(known));
  assert.equal(new Set(documented).size, documented.length, 'each of them once');
});

test('every exit code is in the table of docs/commands.md, and no other', () => {
  const codes = [
    0,
    exitCodeOf(new Error('a bug')),
    ...SIGNALS.map((signal) => exitCodeOf(new Interrupted(signal))),
    ...Object.keys(KINDS).flatMap((kind) => (isKind(kind) ? [exitCodeOf(new Failure(kind, ''))] : [])),
  ];
  const told = rowsOf('docs/commands.md').flatMap(([code = '']) =>
    /^\d+(, \d+)*$/.test(code) ? code.split(', ') : [],
  );
  assert.deepEqual(sorted(told), sorted(codes.map(String)));
});

test('docs/architecture.md has the exit code of every kind of failure', () => {
  const told = new Map(rowsOf('docs/architecture.md').map(([name = '', code = '']) => [name, code]));
  for (const kind of Object.keys(KINDS)) {
    if (!isKind(kind)) continue;
    assert.equal(told.get(`\`${kind}\``)?.split(',')[0], String(exitCodeOf(new Failure(kind, ''))), kind);
  }
});

test('docs/architecture.md has the codes of EtcdError and StoreError', () => {
  const page = read('docs/architecture.md');
  for (const [name, file] of [
    ['EtcdError', 'src/etcd/error-codes.ts'],
    ['StoreError', 'src/storage/errors.ts'],
  ] as const) {
    const union = new RegExp(`type ${name}Code =([^;]+);`).exec(read(file))?.[1] ?? '';
    const codes = Array.from(union.matchAll(/'([\w-]+)'/g), ([, code = '']) => code);
    assert.ok(codes.length > 5, file);
    const told = new RegExp(`^\`${name}\` [^]*?\\n\\n`, 'm').exec(page)?.[0] ?? '';
    for (const code of codes) assert.ok(told.includes(`\`${code}\``), `${name} ${code}`);
  }
});

test('every command is in the table of docs/commands.md, and no other', () => {
  const told = rowsOf('docs/commands.md').flatMap(([first = '', ...rest]) =>
    rest.length === 2 ? (/^`(\w+)/.exec(first)?.[1] ?? []) : [],
  );
  assert.deepEqual(sorted(told), sorted(Object.keys(COMMANDS)));
});

test('every image of ours that a page names has the version of this source', () => {
  const versions = PAGES.flatMap((page) =>
    Array.from(read(page).matchAll(/\/etcd-upkeep:([\w.-]*\w)/g), ([, version = '']) => `${page} ${version}`),
  );
  assert.ok(versions.length > 10);
  assert.deepEqual(
    versions.filter((named) => !named.endsWith(` ${packageJson.version}`)),
    [],
  );
});

test('every file of the source that a page names is there, but for those that it says are new', () => {
  const missing = PAGES.flatMap((page) => {
    const named =
      read(page)
        .replaceAll(/^.*\(new\).*$/gm, '')
        .match(/(?<=`)(?:src|test|chart|\.ci|\.github)\/[\w./-]+(?=`)/g) ?? [];
    return named.filter((path) => !existsSync(join(ROOT, path))).map((path) => `${page}: ${path}`);
  });
  assert.deepEqual(missing, []);
});

function isKind(kind: string): kind is FailureKind {
  return Object.hasOwn(KINDS, kind);
}
