import type { S3StoreConfig } from '../../config/config.ts';
import type { LentBuffer } from '../../util/lent.ts';
import { clusterFolder, plainName } from '../names.ts';
import type { PendingFile, Store, StoredFile } from '../store.ts';
import { publishText, textOf } from '../text.ts';
import { readObject } from './download.ts';
import { type Folder, openClient, REQUEST_TIMEOUT_MS, urlOf } from './folder.ts';
import { abortOldUploads, PROBE } from './leftovers.ts';
import { listFiles, listFolders, tryListing } from './listing.ts';
import { beginMultipart } from './multipart.ts';
import { removeObject } from './publication.ts';
import { Upload } from './upload.ts';

export interface S3StoreOptions {
  config: S3StoreConfig;
  /** Names the folder below the prefix. */
  cluster: string;
  /** Ends every call. */
  signal: AbortSignal;
  /** The clock, in milliseconds since 1970. */
  now?: () => number;
  /** How long one request may take with all its tries. */
  requestTimeoutMs?: number;
}

/** The store in an S3 bucket: one cluster's objects below `<prefix>/<cluster>/`. */
export class S3Store implements Store {
  readonly location: string;
  readonly #options: S3StoreOptions;
  readonly #folder: Folder;

  /** @throws Failure `configuration` when the cluster's name cannot name a folder */
  constructor(options: S3StoreOptions, client = openClient(options.config)) {
    const { config, cluster, signal } = options;
    this.#options = options;
    this.#folder = {
      client,
      bucket: config.bucket,
      prefix: `${rootOf(config)}${clusterFolder(cluster)}/`,
      settings: config,
      signal,
      requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    };
    this.location = urlOf(this.#folder).replace(/\/$/, '');
  }

  within(signal: AbortSignal): S3Store {
    const both = AbortSignal.any([this.#options.signal, signal]);
    return new S3Store({ ...this.#options, signal: both }, this.#folder.client);
  }

  /** Asks for each right that a backup needs, so that no snapshot is taken in vain. Leaves nothing behind. */
  async prepare(): Promise<void> {
    await tryListing(this.#folder);
    const upload = await beginMultipart(this.#folder, PROBE, {});
    await upload.abort(this.#folder.signal);
  }

  async freeBytes(): Promise<undefined> {
    this.#folder.signal.throwIfAborted();
    return undefined;
  }

  list(isWanted: (name: string) => boolean = () => true): Promise<StoredFile[]> {
    return listFiles(this.#folder, isWanted);
  }

  async create(name: string): Promise<PendingFile> {
    this.#folder.signal.throwIfAborted();
    return new Upload(this.#folder, plainName(name));
  }

  async writeText(name: string, text: string): Promise<void> {
    await publishText(await this.create(name), text, urlOf(this.#folder, name));
  }

  async *read(name: string): AsyncGenerator<LentBuffer, void> {
    yield* readObject(this.#folder, plainName(name));
  }

  readText(name: string): Promise<string | undefined> {
    return textOf(this.read(name), urlOf(this.#folder, name));
  }

  async remove(name: string): Promise<void> {
    await removeObject(this.#folder, plainName(name));
  }

  removeLeftovers(olderThanMs: number, isOurs: (name: string) => boolean): Promise<string[]> {
    const now = this.#options.now ?? Date.now;
    return abortOldUploads(this.#folder, now() - olderThanMs, isOurs);
  }
}

const rootOf = ({ prefix }: S3StoreConfig): string => (prefix === '' ? '' : `${prefix}/`);

/** The names of what has a folder below the prefix. @throws StoreError where it cannot be read */
export async function listS3Clusters(config: S3StoreConfig, signal: AbortSignal): Promise<string[]> {
  const client = openClient(config);
  try {
    const names = await listFolders({
      client,
      bucket: config.bucket,
      prefix: rootOf(config),
      settings: config,
      signal,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    });
    return names.filter((name) => !name.startsWith('.')).toSorted();
  } finally {
    client.destroy();
  }
}
