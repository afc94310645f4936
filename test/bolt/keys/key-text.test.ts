import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keyText } from '../../../src/bolt/keys/key-text.ts';
import { jsonText } from '../../../src/util/printable.ts';

describe('the text of a key', () => {
  const texts: [what: string, key: Buffer | string, text: string][] = [
    ['UTF-8', '/registry/größe/✓/😀', '/registry/größe/✓/😀'],
    ['control characters', 'a\u0000\n\u001b[2J', 'a\u0000\n\u001b[2J'],
    ['bytes that are no UTF-8', Buffer.from([0x61, 0xff, 0xc3, 0xbc, 0xc3]), 'a\udcffü\udcc3'],
    ['a surrogate, which UTF-8 does not have', Buffer.from([0xed, 0xb3, 0xbf]), '\udced\udcb3\udcbf'],
    ['nothing', '', ''],
  ];
  for (const [what, key, text] of texts) {
    test(`of ${what}`, () => {
      const told = keyText(Buffer.from(key));
      assert.equal(told, text);
      assert.equal(JSON.parse(jsonText(told)), text);
    });
  }

  test('is whole up to 1,024 characters, and cut between two of them', () => {
    assert.equal(keyText(Buffer.from('x'.repeat(1024))), 'x'.repeat(1024));
    assert.equal(keyText(Buffer.from('x'.repeat(1025))), `${'x'.repeat(1021)}...`);
    assert.equal(keyText(Buffer.from(`${'x'.repeat(1019)}😀😀`)), `${'x'.repeat(1019)}...`);
    assert.equal(keyText(Buffer.alloc(5000, 0xff)), `${'\udcff'.repeat(1021)}...`);
    assert.equal(keyText(Buffer.alloc(5000, 0x80)).length, 1021);
  });
});
