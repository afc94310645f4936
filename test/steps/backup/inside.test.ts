import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { WrongSnapshot } from '../../../src/backup/proof.ts';
import { lookInside } from '../../../src/steps/backup/inside.ts';
import { lend } from '../../../src/util/lent.ts';
import { boltFile, META } from '../../support/bolt-file.ts';
import { clusterOf, member, policyOf } from '../../support/cluster-status.ts';
import { MIB } from '../../support/units.ts';

const PAGE_BYTES = 512;
const HUGE = 2 * 2 ** 30;

/** The head of a database that says it is so large, in a MiB. */
function headOf(bytes: number): Buffer {
  const pages = BigInt(bytes / PAGE_BYTES);
  const file = boltFile({
    pages: 3,
    pageBytes: PAGE_BYTES,
    change: (meta) => void meta.writeBigUInt64LE(pages, META.pages),
  });
  return Buffer.concat([file, Buffer.alloc(MIB - file.length)]);
}

/** Looks at that database; what it warned of. */
function lookAt(bytes: number, seen: number) {
  const a = member('a');
  const warnings: string[] = [];
  const task = {
    cluster: clusterOf([a]),
    config: policyOf(),
    member: a,
    log: pino({ level: 'silent' }),
    warn: (warning: string) => void warnings.push(warning),
  };
  const inside = lookInside(task, { revision: 1 });
  inside.see(lend(headOf(bytes)));
  const rest = Buffer.alloc(MIB);
  for (let at = MIB; at < seen; at += MIB) inside.see(lend(rest));
  inside.judge();
  inside.seeAgain(lend(rest));
  return { found: inside.found(), warnings };
}

describe('a database of more pages than can be looked at', () => {
  test('is a backup all the same, with a warning', () => {
    const { found, warnings } = lookAt(HUGE, HUGE);
    assert.deepEqual(found, {});
    assert.match(
      warnings.join(),
      /^the structure of the database was not checked, .*128 MiB.*checksums fit$/,
    );
  });

  test('is none where it ends early', () => {
    assert.throws(() => lookAt(HUGE, HUGE - MIB), WrongSnapshot);
  });
});
