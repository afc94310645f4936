import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationError, loadRecoverySettings } from '../../src/config/config.ts';

test('commands that read backups back look at their structure, unless told otherwise', () => {
  assert.equal(loadRecoverySettings({}).checkStructure, true);
  assert.equal(loadRecoverySettings({ BACKUP_CHECK_STRUCTURE: 'false' }).checkStructure, false);
});

test('a structure that is neither to be checked nor not is refused', () => {
  assert.throws(() => loadRecoverySettings({ BACKUP_CHECK_STRUCTURE: 'no' }), ConfigurationError);
});
