import type { S3StoreConfig } from '../../config/config.ts';
import { refusal } from '../file/errors.ts';
import { clusterFolder, plainName } from '../names.ts';
import { proveText } from '../file/pending.ts';
import type { PendingFile, Store } from '../store.ts';
import { readObject } from './download.ts';
import { isMissing } from './errors.ts';
import { type Folder, openClient, urlOf } from './folder.ts';
import { abortOldUploads, listFiles, listFolders, PROBE, tryListing } from './listing.ts';
import { beginMultipart } from './multipart.ts';
import { removeObject } from './publication.ts';
import { createUpload } from './upload.ts';

/** A manifest is a few KiB; more is none, and is not read into memory. */
const MAX_TEXT_BYTES = 2 ** 20;

/**
 * The store in an S3 bucket: one cluster's objects below `<prefix>/<cluster>/`. Throws a `Failure` of kind
 * `configuration` when the cluster's name cannot name a folder; every other failure is of kind `backup`.
 */
export function openS3Store(config: S3StoreConfig, cluster: string, now: () => number = Date.now): Store {
  const { bucket, prefix } = config;
  const folder: Folder = {
    client: openClient(config),
    bucket,
    prefix: `${rootOf(prefix)}${clusterFolder(cluster)}/`,
    settings: config,
  };

  /** Asks for each right that a backup needs, so that no snapshot is taken in vain. Leaves nothing behind. */
  async function prepare(signal = new AbortController().signal): Promise<void> {
    await tryListing(folder, signal);
    const upload = await beginMultipart(folder, PROBE, {}, signal);
    await upload.abort(signal);
  }

  async function create(name: string, signal?: AbortSignal): Promise<PendingFile> {
    return createUpload(folder, plainName(name), signal);
  }

  async function writeText(name: string, text: string, signal?: AbortSignal): Promise<void> {
    const pending = await create(name, signal);
    try {
      await pending.write(Buffer.from(text));
      await pending.flush();
      await proveText(pending, text, urlOf(folder, name));
    } catch (error) {
      // The first failure is the one to tell of.
      await Promise.allSettled([pending.discard()]);
      throw error;
    }
  }

  async function* read(name: string): AsyncGenerator<Buffer> {
    yield* readObject(folder, plainName(name));
  }

  async function readText(name: string): Promise<string | undefined> {
    const pieces: Buffer[] = [];
    let size = 0;
    try {
      for await (const piece of read(name)) {
        size += piece.length;
        if (size > MAX_TEXT_BYTES) {
          throw refusal(`${urlOf(folder, name)} is too large for a manifest`, 'look at what it is');
        }
        pieces.push(piece);
      }
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    return Buffer.concat(pieces).toString('utf8');
  }

  return {
    location: urlOf(folder).replace(/\/$/, ''),
    prepare,
    freeBytes: async () => undefined,
    list: () => listFiles(folder),
    create,
    writeText,
    read,
    readText,
    remove: async (name) => removeObject(folder, plainName(name)),
    removeLeftovers: (olderThanMs) => abortOldUploads(folder, now() - olderThanMs),
  };
}

const rootOf = (prefix: string): string => (prefix === '' ? '' : `${prefix}/`);

/** The names of what has a folder below the prefix. Throws a `Failure` `backup` where it cannot be read. */
export async function listS3Clusters(config: S3StoreConfig): Promise<string[]> {
  const client = openClient(config);
  try {
    const names = await listFolders({ client, bucket: config.bucket, prefix: rootOf(config.prefix) });
    return names.filter((name) => !name.startsWith('.')).toSorted();
  } finally {
    client.destroy();
  }
}
