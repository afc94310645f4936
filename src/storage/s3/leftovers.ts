import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3';
import type { Folder } from './folder.ts';
import { abortUpload, isUploadId } from './multipart.ts';
import { incomplete, type Page, pagesOf } from './pages.ts';
import { attempt, requestOnBucket } from './request.ts';

/** A key that no backup has, for the question whether one may write. */
export const PROBE = '.etcd-upkeep-probe';

type Upload = NonNullable<ListMultipartUploadsCommandOutput['Uploads']>[number];
type From = Pick<ListMultipartUploadsCommandInput, 'KeyMarker' | 'UploadIdMarker'>;

/**
 * Ends the uploads of dead runs that began before `before`, in milliseconds since 1970, where `isOurs` says so of their
 * names; returns these. They cost room and no listing of objects shows them. What does not tell its ID or its age stays.
 * @throws StoreError `incomplete` where they cannot all be seen
 */
export async function abortOldUploads(
  folder: Folder,
  before: number,
  isOurs: (name: string) => boolean,
): Promise<string[]> {
  const names: string[] = [];
  for await (const uploads of pagesOf<Upload[], From>(folder, (from) => readPage(folder, from))) {
    for (const { Key, UploadId, Initiated } of uploads) {
      const name = nameOf(Key, folder.prefix);
      if (name === undefined || !(name === PROBE || isOurs(name))) continue;
      if (!isUploadId(UploadId) || Initiated === undefined || !(Initiated.getTime() < before)) continue;
      await abortUpload(folder, name, UploadId);
      names.push(name);
    }
  }
  return names;
}

async function readPage(folder: Folder, from: From | undefined): Promise<Page<Upload[], From>> {
  const command = new ListMultipartUploadsCommand({ Bucket: folder.bucket, Prefix: folder.prefix, ...from });
  const request = requestOnBucket(folder, 'list the unfinished uploads of', 's3:ListBucketMultipartUploads');
  const page = await attempt(folder, request, (options) => folder.client.send(command, options));
  const uploads = page.Uploads ?? [];
  const names = uploads.map(({ Key = '', UploadId = '' }) => `${Key} ${UploadId}`);
  return { entries: uploads, names, next: nextOf(folder, page) };
}

function nextOf(folder: Folder, page: ListMultipartUploadsCommandOutput): From | undefined {
  const { IsTruncated, NextKeyMarker: key = '', NextUploadIdMarker: id = '' } = page;
  if (IsTruncated !== true) return undefined;
  if (key === '')
    throw incomplete(
      folder,
      'the server says that there are more unfinished uploads, and does not say how to go on',
    );
  return { KeyMarker: key, ...(id !== '' && { UploadIdMarker: id }) };
}

/** What stands behind the prefix; undefined for the prefix itself and for what lies deeper or elsewhere. */
function nameOf(key: string | undefined, prefix: string): string | undefined {
  const name = key?.startsWith(prefix) ? key.slice(prefix.length) : '';
  return name === '' || name.includes('/') ? undefined : name;
}
