import { isUtf8 } from 'node:buffer';

/** Keys as the text that a person and a JSON document can have. */

/** More characters of one are never told. Kubernetes' own end at some 650. */
const MAX_KEY_TEXT = 1024;
/** So many bytes of a key are enough to tell its text: one more than the longest that is told whole. */
export const KEY_TEXT_BYTES = MAX_KEY_TEXT + 1;
const CUT = '...';

/** A byte that is no UTF-8 stands as the lone surrogate behind this: no other text has it, and JSON can write it. */
const NO_UTF8 = 0xdc00;

/** Of at most `MAX_KEY_TEXT` characters; what is longer ends in three dots. */
export function keyText(key: Buffer): string {
  if (key.length <= MAX_KEY_TEXT) return textOf(key);
  let end = MAX_KEY_TEXT - CUT.length;
  for (let back = 0; back < 3 && isContinued(key, end); back += 1) end -= 1;
  return `${textOf(key.subarray(0, end))}${CUT}`;
}

const isContinued = (key: Buffer, at: number): boolean => ((key[at] ?? 0) & 0xc0) === 0x80;

function textOf(key: Buffer): string {
  if (isUtf8(key)) return key.toString();
  let text = '';
  for (let at = 0; at < key.length; ) {
    const length = [1, 2, 3, 4].find((bytes) => isUtf8(key.subarray(at, at + bytes)));
    text +=
      length === undefined
        ? String.fromCharCode(NO_UTF8 + (key[at] ?? 0))
        : key.toString('utf8', at, at + length);
    at += length ?? 1;
  }
  return text;
}
