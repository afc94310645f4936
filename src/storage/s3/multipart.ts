import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { isStoreError, StoreError } from '../errors.ts';
import { endingWith, type Folder, objectOf, urlOf } from './folder.ts';
import type { Condition } from './publication.ts';
import { attempt, requestOn, writingOf } from './request.ts';
import { objectSettings } from './settings.ts';

/** S3's own limit. */
const MAX_PARTS = 10_000;

/**
 * Begins an upload in parts, of which nothing is visible before it is completed.
 *
 * Not by `Upload` of @aws-sdk/lib-storage: it has no way to end what is on its way and wait until the bucket is clean
 * again, so a run would exit with parts left in it; and it takes new memory for every part.
 */
export async function beginMultipart(
  folder: Folder,
  name: string,
  metadata: Readonly<Record<string, string>>,
): Promise<Multipart> {
  const { client } = folder;
  // The SDK sends checksums unless AWS_REQUEST_CHECKSUM_CALCULATION says otherwise; an upload in parts has to announce them.
  const checksums = (await client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED';
  const algorithm: Algorithm = checksums ? { ChecksumAlgorithm: 'CRC32' } : {};
  const command = new CreateMultipartUploadCommand({
    ...objectOf(folder, name),
    ...objectSettings(folder.settings, Date.now()),
    ...algorithm,
    Metadata: { ...metadata },
  });
  const { UploadId } = await attempt(folder, writingOf(folder, name), (options) =>
    client.send(command, options),
  );
  return new Multipart(folder, name, idOf(UploadId, urlOf(folder, name)), algorithm);
}

declare const UPLOAD: unique symbol;

/**
 * What S3 gave an upload for a name, never empty. Without it the request that is to end an upload is the one that deletes
 * the object of that name, whoever's that is.
 */
export type UploadId = string & { readonly [UPLOAD]: true };

export const isUploadId = (id: string | undefined): id is UploadId => id !== undefined && id.trim() !== '';

function idOf(id: string | undefined, place: string): UploadId {
  if (isUploadId(id)) return id;
  throw new StoreError(
    'not-a-store',
    `could not write ${place}: the server began an upload and gave it no ID`,
    'look at the server and at the proxies in between: this is not how S3 answers',
  );
}

type Algorithm = { ChecksumAlgorithm?: 'CRC32' };

/** Every request gets the signal that ends it: parts, completion and end of an upload are given up by different ones. */
export class Multipart {
  readonly #folder: Folder;
  readonly #name: string;
  readonly #id: UploadId;
  readonly #algorithm: Algorithm;
  readonly #parts: CompletedPart[] = [];

  constructor(folder: Folder, name: string, id: UploadId, algorithm: Algorithm) {
    this.#folder = folder;
    this.#name = name;
    this.#id = id;
    this.#algorithm = algorithm;
  }

  /** Sends the next part. The bytes must stay as they are until it resolves. */
  async send(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const part: CompletedPart = { PartNumber: this.#parts.length + 1 };
    if (this.#parts.push(part) > MAX_PARTS) throw this.#tooManyParts();
    const command = new UploadPartCommand({
      ...this.#upload(),
      ...this.#algorithm,
      PartNumber: part.PartNumber,
      Body: bytes,
    });
    const sent = await this.#write(signal, (options) => this.#folder.client.send(command, options));
    Object.assign(part, { ETag: sent.ETag }, sent.ChecksumCRC32 && { ChecksumCRC32: sent.ChecksumCRC32 });
  }

  async complete(condition: Condition, signal: AbortSignal): Promise<void> {
    const command = new CompleteMultipartUploadCommand({
      ...this.#upload(),
      ...condition,
      MultipartUpload: { Parts: this.#parts },
    });
    await this.#write(signal, (options) => this.#folder.client.send(command, options));
  }

  /** No failure where the upload is gone already. */
  async abort(signal: AbortSignal): Promise<void> {
    await abortUpload(endingWith(signal, this.#folder), this.#name, this.#id);
  }

  #upload() {
    return { ...objectOf(this.#folder, this.#name), UploadId: this.#id };
  }

  #write<T>(signal: AbortSignal, send: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    return attempt(endingWith(signal, this.#folder), writingOf(this.#folder, this.#name), send);
  }

  #tooManyParts(): StoreError {
    return new StoreError(
      'too-large',
      `${urlOf(this.#folder, this.#name)} has more than ${MAX_PARTS} parts, which S3 does not take`,
      'compress backups (BACKUP_COMPRESSION=zstd) or use another store',
    );
  }
}

/** No failure where the upload is gone already. */
export async function abortUpload(folder: Folder, name: string, id: UploadId): Promise<void> {
  const request = requestOn(folder, name, 'end the upload of', 's3:AbortMultipartUpload');
  const command = new AbortMultipartUploadCommand({ ...objectOf(folder, name), UploadId: id });
  try {
    await attempt(folder, request, (options) => folder.client.send(command, options));
  } catch (error) {
    if (!isStoreError(error, 'not-found')) throw error;
  }
}
