import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutUsage } from '../../../src/bolt/usage/cut.ts';
import type { Usage } from '../../../src/bolt/usage/types.ts';

const figures = (bytes: number) => ({ keys: 1, revisions: 2, liveBytes: bytes, historyBytes: 1 });

const USAGE: Usage = {
  total: { keys: 5, revisions: 10, liveBytes: 100, historyBytes: 5 },
  resources: ['pods', 'other', 'secrets', '(other keys)', 'nodes'].map((resource, at) => ({
    resource,
    ...figures(40 - 10 * at),
  })),
  namespaces: ['a', '', 'b'].map((namespace, at) => ({ namespace, ...figures(40 - 10 * at) })),
  largest: [],
  mostRevised: [],
};

const together = (...bytes: number[]) => ({
  keys: bytes.length,
  revisions: 2 * bytes.length,
  liveBytes: bytes.reduce((sum, one) => sum + one, 0),
  historyBytes: bytes.length,
});

test('the rest is told together; keys that are no objects are named, and no name comes twice', () => {
  const { resources, namespaces } = cutUsage(USAGE, 2);
  assert.deepEqual(resources, [
    { resource: 'pods', ...figures(40) },
    { resource: '(other keys)', ...figures(10) },
    { resource: 'other', ...together(30, 20, 0) },
  ]);
  assert.deepEqual(namespaces, [
    { namespace: 'a', ...figures(40) },
    { namespace: '', ...figures(30) },
    { namespace: 'other', ...together(20) },
  ]);
});

test('what was cut can be cut again, and is then the same as cut once', () => {
  assert.deepEqual(cutUsage(cutUsage(USAGE, 3), 2), cutUsage(USAGE, 2));
  assert.deepEqual(cutUsage(USAGE, 5).namespaces, USAGE.namespaces);
});
