import { bech32 } from '@scure/base';

/** A key of 32 bytes, five bits to a character, without the six characters of the checksum. */
const KEY_CHARACTERS = 52;

/**
 * Whether this is one of age's keys with that prefix, all in lower case: bech32 (BIP 173), whose checksum does not fit
 * with one wrong letter, or two that changed places.
 */
export function isKey(text: string, prefix: string): boolean {
  // It would take a key in upper case, too.
  if (!text.startsWith(`${prefix}1`)) return false;
  const decoded = bech32.decodeUnsafe(text);
  return decoded?.prefix === prefix && decoded.words.length === KEY_CHARACTERS;
}
