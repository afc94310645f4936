import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchorsOf, linksOf, mentionsOf, PAGES, problemOf, read, siteLinksOf, SPEAKING } from './pages.ts';

const problemsIn = (file: string, links: readonly string[]): string[] =>
  links.flatMap((link) => {
    const problem = problemOf(link, file);
    return problem === undefined ? [] : [`${file}: ${link}: ${problem}`];
  });

test('every link of every page leads somewhere', () => {
  const links = PAGES.map((page) => [page, linksOf(read(page))] as const);
  assert.ok(links.flatMap(([, found]) => found).length > 150, 'links are found at all');
  assert.deepEqual(
    links.flatMap(([page, found]) => problemsIn(page, found)),
    [],
  );
});

test('every address of this repository leads somewhere, wherever it stands', () => {
  const files = [...PAGES, ...SPEAKING];
  const links = files.map((file) => [file, siteLinksOf(read(file))] as const);
  assert.ok(links.flatMap(([, found]) => found).length > 20, 'addresses are found at all');
  assert.deepEqual(
    links.flatMap(([file, found]) => problemsIn(file, found)),
    [],
  );
});

test('every page of docs/ that help texts, chart and forms name is there', () => {
  const mentioned = SPEAKING.map((file) => [file, mentionsOf(read(file))] as const);
  assert.ok(
    mentioned.some(([file, found]) => file === 'src/commands/help.ts' && found.length > 0),
    'the help of run says where the variables are',
  );
  assert.deepEqual(
    mentioned.flatMap(([, found]) => found.flatMap((page) => problemOf(page, 'README.md') ?? [])),
    [],
  );
});

test('the notes of the chart lead to the runbook, and the alerts to their sections', () => {
  assert.ok(siteLinksOf(read('chart/templates/NOTES.txt')).some((link) => link.endsWith('/docs/restore.md')));
  assert.match(read('chart/values.yaml'), /^ +runbookUrl: \S+\/blob\/main\/docs\/monitoring\.md$/m);
});

test('every page is in the list of documents', () => {
  const listed = new Set(linksOf(read('docs/README.md')));
  const pages = PAGES.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md');
  assert.deepEqual(
    pages.filter((page) => !listed.has(page.slice('docs/'.length))),
    [],
  );
});

test('anchors are made as GitHub makes them', () => {
  const text = [
    "# A long defragmentation, and kubelet's patience",
    '## `run_once` & [a link](x.md#y)',
    '## 3. Build',
    '## 3. Build',
    '```sh',
    '# no heading',
    '```',
  ].join('\n');
  assert.deepEqual(
    [...anchorsOf(text)],
    ['a-long-defragmentation-and-kubelets-patience', 'run_once--a-link', '3-build', '3-build-1'],
  );
});

test('a link that leads nowhere is found', () => {
  const site = 'https://github.com/etcd-upkeep/etcd-upkeep';
  assert.match(problemOf('docs/nowhere.md', 'README.md') ?? '', /there is no docs\/nowhere\.md/);
  assert.match(problemOf('restore.md#6-rest', 'docs/drill.md') ?? '', /has no heading #6-rest/);
  assert.match(problemOf('#nowhere', 'docs/drill.md') ?? '', /has no heading #nowhere/);
  assert.match(problemOf(`${site}/blob/main/docs/gone.md`, 'chart/README.md') ?? '', /there is no/);
  assert.match(problemOf(`${site}#restore`, 'chart/README.md') ?? '', /no page #restore/);
  assert.deepEqual(siteLinksOf(`see ${site}/blob/main/README.md. ${site}#readme) and ${site}-charts`), [
    `${site}/blob/main/README.md`,
    `${site}#readme`,
  ]);
});
