import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNobodys } from '../../../src/bolt/keys/nobodys.ts';

test("the run's own lock is nobody's, what is below it, and a key without a name", () => {
  const bytes = Buffer.from('x etcd-upkeep/lock/7 etcd-upkeep/loc');
  const isOf = (keyAt: number, end: number): boolean => isNobodys({ bytes, keyAt, keyLength: end - keyAt });
  assert.equal(isOf(2, 18), true);
  assert.equal(isOf(2, 20), true);
  assert.equal(isOf(2, 2), true);
  assert.equal(isOf(2, 17), false);
  assert.equal(isOf(21, bytes.length), false);
  assert.equal(isOf(0, 18), false);
});
