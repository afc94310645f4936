import { readFile } from 'node:fs/promises';
import { parseFields } from '../backup/fields.ts';
import { type Manifest, parseManifest } from '../backup/manifest.ts';
import { Failure, isBug, messageOf } from '../errors.ts';

/** What `fetch` did: enough for `drill` to know what a restored member has to hold, and since when the clock runs. */
export interface Receipt {
  /** the snapshot file, an absolute path */
  file: string;
  /** where the backup came from */
  store: string;
  /** RFC 3339 in UTC */
  startedAt: string;
  finishedAt: string;
  manifest: Manifest;
}

/** @throws Failure `configuration` when it is not there, or nothing that `fetch` wrote */
export async function readReceipt(path: string): Promise<Receipt> {
  try {
    return receiptOf(await readFile(path, 'utf8'));
  } catch (error) {
    if (isBug(error)) throw error;
    const message = `${path} cannot be used: ${messageOf(error)}; it should be what fetch wrote with --receipt`;
    throw new Failure('configuration', message, { cause: error });
  }
}

function receiptOf(text: string): Receipt {
  const fields = parseFields(text);
  const { manifest } = JSON.parse(text);
  const parsed = parseManifest(JSON.stringify(manifest ?? null));
  if (!parsed.ok) throw new Error(`its manifest is not one: ${parsed.problem}`);
  return {
    file: fields.text('file'),
    store: fields.text('store'),
    startedAt: fields.time('startedAt'),
    finishedAt: fields.time('finishedAt'),
    manifest: parsed.value,
  };
}
