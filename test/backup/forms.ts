import { encryptFor } from '../../src/backup/encryption/age.ts';
import { type Decoding, decode, type Encoding, encode } from '../../src/backup/codec.ts';
import { type Chunks } from '../../src/util/lent.ts';
import { streamOf } from './chunks.ts';
import { collect, never } from '../support/file-store.ts';

export type Form = Encoding & Decoding;
export type Codec = (
  ...given: [Parameters<typeof encode>[0], Form, Parameters<typeof encode>[2], AbortSignal]
) => Promise<void>;

export const AGE = await encryptFor([]);
export const NONE: Form = { compression: 'none' };
export const ZSTD: Form = { compression: 'zstd' };
export const FORMS: [name: string, form: Form][] = [
  ['none', NONE],
  ['zstd', ZSTD],
  ['none and age', { ...NONE, ...AGE }],
  ['zstd and age', { ...ZSTD, ...AGE }],
];
export const BOTH_WAYS: [name: string, codec: Codec, form: Form][] = FORMS.flatMap(([name, form]) => [
  [`encoding, ${name}`, encode, form],
  [`decoding, ${name}`, decode, form],
]);
export async function through(codec: Codec, form: Form, ...chunks: Buffer[]): Promise<Buffer> {
  let passed: Buffer = Buffer.alloc(0);
  const sink = async (source: Chunks) => {
    passed = await collect(source);
  };
  await codec(streamOf(...chunks), form, sink, never());
  return passed;
}

export async function drain(chunks: Chunks): Promise<void> {
  for await (const _ of chunks);
}
