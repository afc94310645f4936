import { type Fields, parseFields } from '../backup/fields.ts';
import { type Manifest, manifestIn } from '../backup/manifest.ts';
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

/** Linux's longest path, twice: a store's is made of two. */
const MAX_PATH = 8192;
/** A manifest at its largest, and what stands around it. */
const MAX_BYTES = 2 ** 21;
const TIMEOUT_MS = 30_000;

/** @throws Failure `configuration` when it is not there, or nothing that `fetch` wrote */
export async function readReceipt(path: string, signal: AbortSignal): Promise<Receipt> {
  try {
    const both = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const bytes = await readRegular(path, MAX_BYTES, both);
    return receiptOf(parseFields(bytes.toString()));
  } catch (error) {
    signal.throwIfAborted();
    if (isBug(error)) throw error;
    const message = `${path} cannot be used: ${messageOf(error)}; it should be what fetch wrote with --receipt`;
    throw new Failure('configuration', message, { cause: error });
  }
}

function receiptOf(fields: Fields): Receipt {
  const manifest = manifestIn(fields.object('manifest'));
  return {
    file: fields.text('file', MAX_PATH),
    store: fields.text('store', MAX_PATH),
    startedAt: fields.time('startedAt'),
    finishedAt: fields.time('finishedAt'),
    manifest,
  };
}
