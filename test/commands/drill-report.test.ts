import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrongIn } from '../../src/commands/drill/report.ts';
import type { ResourceCheck } from '../../src/commands/drill/types.ts';

const unreadable = (resource: string, count: number, name = 'n'.repeat(250)): ResourceCheck => ({
  resource,
  stored: count,
  result: 'differs',
  reason: `${count} of ${count} cannot be read: default/${name}: no matching key was found`,
  unreadable: {
    count,
    names: Array.from({ length: Math.min(count, 50) }, (_, at) => `default/${name}-${at}`),
    reason: '',
  },
});

test('of a backup whose keys are lost Secrets are named first, and all fits into what kubelet keeps', () => {
  const resources = [
    ...Array.from({ length: 60 }, (_, at) => unreadable(`aaa${at}.example.com`, 700)),
    unreadable('secrets', 2, 'db'),
    { resource: 'pods', stored: 1, served: 1, result: 'same' } satisfies ResourceCheck,
  ];
  const said = wrongIn({ version: 'v1.36.3', resources, secretsRead: 0 });
  assert.match(
    said,
    /^secrets: 2 of 2 cannot be read: default\/db: .* \(default\/db-0, default\/db-1\); aaa0/,
  );
  assert.match(said, /; 58 more resources$/);
  assert.ok(Buffer.byteLength(said) < 1400, String(Buffer.byteLength(said)));
});
