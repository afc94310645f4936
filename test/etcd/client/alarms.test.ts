import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarmsOf } from '../../../src/etcd/client/alarms.ts';
import type { Alarm } from '../../../src/etcd/types.ts';
import { member } from '../../support/cluster-status.ts';

/** As Status words them: 3.6 with a blank at the end, 3.7 without; newer protobuf may double blanks. */
const rows: [text: string, alarms: Alarm[]][] = [
  ['memberID:10501334649042878790 alarm:NOSPACE ', [{ memberId: '91bc3c398fb3c146', type: 'NOSPACE' }]],
  ['memberID:10501334649042878790  alarm:CORRUPT', [{ memberId: '91bc3c398fb3c146', type: 'CORRUPT' }]],
  ['alarm:CORRUPT ', [{ memberId: '0', type: 'CORRUPT' }]],
  ['etcdserver: no leader', []],
];

for (const [text, alarms] of rows) {
  test(`a status that says ${JSON.stringify(text)} tells ${alarms.length} alarms`, () => {
    const { status } = member('m0');
    assert.ok(status);
    assert.deepEqual(alarmsOf({ ...status, errors: [text] }), alarms);
  });
}
