/**
 * What others say (a member's name, a manifest, a server's refusal) may hold signs that a terminal obeys: colours, a
 * cleared screen, text that runs backwards. Here they are made visible, as `<U+001B>`.
 */

/** Control characters, formats (direction, zero width), separators of lines, halves of surrogate pairs. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const nameOf = (sign: string): string =>
  `<U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`;

/** In one line: a line break is made visible too, so that no name can begin a second row. */
export const printable = (text: string): string => text.replaceAll(UNSEEN, nameOf);

/** The same for a text of several lines. */
export const printableLines = (text: string): string =>
  text.replaceAll(UNSEEN, (sign) => (sign === '\n' ? sign : nameOf(sign)));

const MAX_QUOTED = 120;

/** Within a sentence: in quotes, in one line, and cut where it is long. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text);

/** JSON that a terminal shows as it is. The escapes mean the same characters to whoever reads it as JSON. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replaceAll(UNSEEN, (sign) =>
    sign === '\n' ? sign : escapeOf(sign),
  );

/** Two of them for a character outside of the first 65536. */
const escapeOf = (sign: string): string =>
  Array.from({ length: sign.length }, (_, index) => sign.charCodeAt(index))
    .map((code) => `\\u${code.toString(16).padStart(4, '0')}`)
    .join('');
