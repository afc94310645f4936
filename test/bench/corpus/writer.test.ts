import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../support/random.ts';
import type { Api } from './api.ts';
import { clock } from './site.ts';
import { writer } from './writer.ts';

const WRITES = 3000;

interface Written {
  verb: 'create' | 'change' | 'remove';
  path: string;
  manager?: string;
  body: string;
}

/** What a writer sends to an API server, in order. */
async function written(seed: number): Promise<Written[]> {
  const all: Written[] = [];
  const api: Api = {
    create: async (path, manager, object) =>
      void all.push({ verb: 'create', path, manager, body: JSON.stringify(object) }),
    change: async (path, manager, _how, patch) =>
      void all.push({ verb: 'change', path, manager, body: JSON.stringify(patch) }),
    remove: async (path, grace) => void all.push({ verb: 'remove', path, body: String(grace) }),
    serves: async () => true,
    [Symbol.dispose]: () => undefined,
  };
  const random = seeded(seed);
  const site = { api, random, namespace: 'team', nodes: ['a', 'b'], ownNodes: ['a'], time: clock(random) };
  const write = writer(site);
  for (let number = 0; number < WRITES; number += 1) await write();
  return all;
}

const first = await written(1);

test('the same seed writes the same, another one something else', async () => {
  assert.deepEqual(await written(1), first);
  assert.notDeepEqual(await written(2), first);
});

test('most of what is written is written again: history', () => {
  const created = first.filter(({ verb, path }) => verb === 'create' && !path.endsWith('/binding')).length;
  assert.ok(created < first.length / 4, `${created} of ${first.length}`);
});

test('a pod is bound before it runs, told to end before it is gone, and not written to after that', () => {
  const lives = new Map<string, string[]>();
  for (const { verb, path } of first) {
    const [, pod, part = ''] = /\/pods\/([^/]+)\/?(.*)$/.exec(path) ?? [];
    if (pod !== undefined) lives.set(pod, [...(lives.get(pod) ?? []), part || verb]);
  }
  const whole = [...lives.values()].filter((steps) => steps.filter((step) => step === 'remove').length === 2);
  assert.ok(whole.length > 20, `${whole.length} whole lives`);
  for (const steps of whole)
    assert.match(steps.join(' '), /^binding change status status( status)+ remove status remove$/);
});

test('several managers write one pod', () => {
  const managers = new Set(first.filter(({ path }) => path.includes('/pods')).map(({ manager }) => manager));
  for (const manager of ['kube-controller-manager', 'kube-scheduler', 'calico', 'kubelet'])
    assert.ok(managers.has(manager), manager);
});
