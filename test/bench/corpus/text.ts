import type { Random } from '../../support/random.ts';

const WORDS =
  'api app auth backend batch billing cache cart catalog checkout client cluster config consumer core data delivery docs edge event export feed file gateway graph host image index ingest invoice job ledger legacy limit link list log mail main media message meta metric model monitor network notify order page parser partner payment policy pool portal price product profile proxy public queue rate record region relay report request retry review router rule search sender server service session shard shop signal site source stage stock store stream support sync table tag task team tenant test ticket token tool trace track trade user value vault vendor version view web worker zone'.split(
    ' ',
  );
const HEX = '0123456789abcdef';
/** What Kubernetes makes names of. */
const SAFE = 'bcdfghjklmnpqrstvwxz2456789';

export const word = (random: Random): string => random.pick(WORDS);

const letters = (random: Random, length: number, of: string): string =>
  Array.from({ length }, () => of[random.below(of.length)]).join('');

export const hex = (random: Random, length: number): string => letters(random, length, HEX);
/** The end of a generated name. */
export const suffix = (random: Random, length = 5): string => letters(random, length, SAFE);
export const name = (random: Random): string => `${word(random)}-${word(random)}`;
export const address = (random: Random): string =>
  `10.${random.below(250)}.${random.below(250)}.${1 + random.below(250)}`;
export const digest = (random: Random): string => `sha256:${hex(random, 64)}`;
export const image = (random: Random): string =>
  `registry.example.com/${word(random)}/${name(random)}:v${random.below(9)}.${random.below(30)}.${random.below(20)}`;
export const uid = (random: Random): string =>
  [8, 4, 4, 4, 12].map((length) => hex(random, length)).join('-');

/** Bytes that nothing compresses, from the seed. */
export function noise(random: Random, bytes: number): Buffer {
  const made = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) made.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at);
  return made;
}

/** A certificate, as far as its size and its letters go. */
export function pem(random: Random, label = 'CERTIFICATE', bytes = 800): string {
  const lines =
    noise(random, bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

export const labels = (app: string, release = app): Record<string, string> => ({
  'app.kubernetes.io/name': app,
  'app.kubernetes.io/instance': release,
  'app.kubernetes.io/managed-by': 'Helm',
});

export const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
