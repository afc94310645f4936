import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationError, loadStoreSettings } from '../../src/config/config.ts';

const idOf = (CLUSTER_ID: string) => loadStoreSettings({ CLUSTER_ID }).clusterId;

test('CLUSTER_ID is an ID as etcd writes it, also where another tool wrote it', () => {
  assert.equal(idOf('5cb4cc4d2c7d2c3a'), '5cb4cc4d2c7d2c3a');
  assert.equal(idOf('00B4CC4D2C7D2C3A'), 'b4cc4d2c7d2c3a');
  assert.equal(idOf('cafe'), 'cafe');
  assert.equal(idOf(''), undefined);
});

test('CLUSTER_ID that is none is refused', () => {
  for (const CLUSTER_ID of ['prod', '0x12', '5cb4cc4d2c7d2c3a0', '-1', '1 2'])
    assert.throws(
      () => loadStoreSettings({ CLUSTER_ID }),
      (error) =>
        error instanceof ConfigurationError && /CLUSTER_ID is .*; it should be an ID/.test(error.message),
    );
});
