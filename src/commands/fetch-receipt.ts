import { parseFields } from '../backup/fields.ts';
import { type Manifest, parseManifest } from '../backup/manifest.ts';
import { Failure, isBug, messageOf } from '../errors.ts';
import { readRegular } from '../util/regular-file.ts';

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

/** A manifest may have so much, and there is little beside it. */
const MAX_BYTES = 2 * 2 ** 20;
const TIMEOUT_MS = 30_000;

/** @throws Failure `configuration` when it is not there, or nothing that `fetch` wrote */
export async function readReceipt(path: string): Promise<Receipt> {
  try {
    const bytes = await readRegular(path, MAX_BYTES, AbortSignal.timeout(TIMEOUT_MS));
    return receiptOf(bytes.toString('utf8'));
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
