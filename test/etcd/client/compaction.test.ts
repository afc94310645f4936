import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCompactRevKey } from '../../../src/etcd/client/compaction.ts';

test('a revision before the note itself is what kube-apiserver writes, 0 at first', () => {
  assert.deepEqual(toCompactRevKey('0', 5), { kind: 'known', value: 0, modRevision: 5 });
  assert.deepEqual(toCompactRevKey('41', 42), { kind: 'known', value: 41, modRevision: 42 });
});

for (const text of ['', 'seven', '-3', '1.5', ' 4', '4\n', '0x4', '42', '43', '9'.repeat(400)]) {
  test(`${JSON.stringify(text.slice(0, 20))} is unknown, not absent`, () => {
    const key = toCompactRevKey(text, 42);
    assert.equal(key.kind, 'unknown');
    assert.ok(JSON.stringify(key).length < 300);
  });
}
