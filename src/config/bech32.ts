/** age's keys are written in bech32 (BIP 173), five bits to a character, with a checksum of six characters. */
const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** The characters of a key of 32 bytes, after its prefix and the 1. */
const KEY_LENGTH = 58;

/** Whether this is a key of 32 bytes with that prefix, all in lower case. */
export function isKey(text: string, prefix: string): boolean {
  return text.startsWith(`${prefix}1`) && text.length === prefix.length + 1 + KEY_LENGTH && isBech32(text);
}

/** Whether the checksum of `<prefix>1<data>` fits: with one wrong letter, or two that changed places, it does not. */
function isBech32(text: string): boolean {
  const one = text.lastIndexOf('1');
  const prefix = Array.from(text.slice(0, one), (letter) => letter.charCodeAt(0));
  const data = Array.from(text.slice(one + 1), (letter) => LETTERS.indexOf(letter));
  if (one < 1 || data.includes(-1)) return false;
  return checksum([...prefix.map((code) => code >> 5), 0, ...prefix.map((code) => code & 31), ...data]) === 1;
}

function checksum(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, term] of GENERATOR.entries()) if ((top >> bit) & 1) sum ^= term;
  }
  return sum;
}
