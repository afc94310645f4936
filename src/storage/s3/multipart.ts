import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { NOTHING_CHANGED, refusal } from '../file/errors.ts';
import type { S3Request } from './explanations.ts';
import { attempt } from './errors.ts';
import { requestOn, type Folder, objectOf, optionsOf, urlOf } from './folder.ts';
import { objectSettings } from './settings.ts';

/** An upload in parts, of which nothing is visible before it is completed. */
export interface Multipart {
  /** Sends the next part. The bytes must stay as they are until it resolves. */
  send(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  complete(condition: { IfNoneMatch?: '*' }, signal: AbortSignal): Promise<void>;
  /** No failure where the upload is gone already. */
  abort(signal: AbortSignal): Promise<void>;
}

/** S3's own limit. */
const MAX_PARTS = 10_000;

/**
 * Begins an upload in parts.
 *
 * Not by `Upload` of @aws-sdk/lib-storage: it has no way to end what is on its way and wait until the bucket is clean
 * again, so a run would exit with parts left in it; and it takes new memory for every part.
 */
export async function beginMultipart(
  folder: Folder,
  name: string,
  metadata: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Multipart> {
  const { client } = folder;
  const object = objectOf(folder, name);
  const writing: S3Request = {
    ...requestOn(folder, name, 'write', 's3:PutObject'),
    consequence: NOTHING_CHANGED,
  };
  const aborting = requestOn(folder, name, 'end the upload of', 's3:AbortMultipartUpload');
  // The SDK sends checksums unless AWS_REQUEST_CHECKSUM_CALCULATION says otherwise; an upload in parts has to announce them.
  const checksums = (await client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED';
  const algorithm = checksums ? { ChecksumAlgorithm: 'CRC32' as const } : {};
  const begun = await attempt(
    writing,
    () =>
      client.send(
        new CreateMultipartUploadCommand({
          ...object,
          ...objectSettings(folder.settings, Date.now()),
          ...algorithm,
          Metadata: { ...metadata },
        }),
        { abortSignal: signal },
      ),
    signal,
  );
  const upload = { ...object, UploadId: begun.UploadId };
  const parts: CompletedPart[] = [];

  async function send(bytes: Uint8Array, partSignal: AbortSignal): Promise<void> {
    const part: CompletedPart = { PartNumber: parts.length + 1 };
    if (parts.push(part) > MAX_PARTS) {
      throw refusal(
        `${urlOf(folder, name)} has more than ${MAX_PARTS} parts, which S3 does not take`,
        'compress backups (BACKUP_COMPRESSION=zstd) or use another store',
        NOTHING_CHANGED,
      );
    }
    const command = new UploadPartCommand({
      ...upload,
      ...algorithm,
      PartNumber: part.PartNumber,
      Body: bytes,
    });
    const sent = await attempt(writing, () => client.send(command, { abortSignal: partSignal }), partSignal);
    Object.assign(part, { ETag: sent.ETag }, sent.ChecksumCRC32 && { ChecksumCRC32: sent.ChecksumCRC32 });
  }

  async function complete(condition: { IfNoneMatch?: '*' }, completeSignal: AbortSignal): Promise<void> {
    const command = new CompleteMultipartUploadCommand({
      ...upload,
      ...condition,
      MultipartUpload: { Parts: parts },
    });
    await attempt(writing, () => client.send(command, { abortSignal: completeSignal }), completeSignal);
  }

  async function abort(abortSignal: AbortSignal): Promise<void> {
    await abortUpload(folder, aborting, upload, abortSignal);
  }

  return { send, complete, abort };
}

/** No failure where the upload is gone already. */
export async function abortUpload(
  { client }: Pick<Folder, 'client'>,
  asked: S3Request,
  upload: { Bucket: string; Key: string; UploadId: string | undefined },
  signal?: AbortSignal,
): Promise<void> {
  const command = new AbortMultipartUploadCommand(upload);
  await attempt(
    asked,
    async () => {
      try {
        await client.send(command, optionsOf(signal));
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error;
      }
    },
    signal,
  );
}
