import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, type Api, NoAnswer, TooLong } from '../../src/kubernetes/api.ts';
import { countObjects } from '../../src/kubernetes/objects.ts';

const LONGS = { group: 'example.com', version: 'v1', name: 'longs', namespaced: true };

/** Has so many objects, and a page of more than `most` of them is too long. */
function serverOf(objects: number, most: number) {
  const asked: (string | null)[][] = [];
  const get = (path: string): Promise<Answer> => {
    const { searchParams } = new URL(path, 'https://127.0.0.1:1');
    const from = Number(searchParams.get('continue'));
    const limit = Number(searchParams.get('limit'));
    asked.push(['limit', 'resourceVersion', 'continue'].map((name) => searchParams.get(name)));
    const rows = Array.from({ length: Math.min(limit, objects - from) });
    if (rows.length > most) return Promise.reject(new TooLong('more than so many bytes came'));
    const end = from + rows.length;
    const metadata = end < objects ? { continue: String(end) } : {};
    return Promise.resolve({ status: 200, body: { kind: 'Table', metadata, rows }, message: '' });
  };
  const api: Api = { server: 'https://127.0.0.1:1', ask: get, get, [Symbol.dispose]: () => undefined };
  return { api, asked };
}

test('where a page is too long, smaller ones are asked for, of the same revision', async () => {
  const { api, asked } = serverOf(600, 60);
  assert.deepEqual(await countObjects(api, LONGS, 7), { kind: 'count', count: 600 });
  assert.deepEqual(asked.slice(0, 3), [
    ['500', '7', null],
    ['50', '7', null],
    ['50', null, '50'],
  ]);
  assert.equal(asked.length, 13);
});

test('what is too long by itself ends it', async () => {
  await assert.rejects(countObjects(serverOf(2, 0).api, LONGS, 7), NoAnswer);
});
