import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { StoredFile } from '../store.ts';
import type { Folder } from './folder.ts';
import { abortUpload, isUploadId } from './multipart.ts';
import { attempt, requestOnBucket } from './request.ts';

interface Page {
  files: StoredFile[];
  /** Names of what lies deeper, without the slash. */
  folders: string[];
}

/** What lies directly below the prefix, in pages of up to 1,000: what lies deeper costs one entry for each folder. */
async function* pagesOf(folder: Folder): AsyncGenerator<Page, void> {
  const { client, bucket, prefix } = folder;
  const request = requestOnBucket(folder, 'list', 's3:ListBucket');
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      Delimiter: '/',
      ...(token !== undefined && { ContinuationToken: token }),
    });
    const page = await attempt(folder, request, (options) => client.send(command, options));
    yield {
      files: (page.Contents ?? []).flatMap(({ Key, Size, LastModified }) => {
        const name = nameOf(Key, prefix);
        if (name === undefined || Size === undefined || LastModified === undefined) return [];
        return [{ name, size: Size, modifiedAt: LastModified }];
      }),
      folders: (page.CommonPrefixes ?? []).flatMap(
        ({ Prefix }) => nameOf(Prefix?.replace(/\/$/, ''), prefix) ?? [],
      ),
    };
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** What stands behind the prefix; undefined for the prefix itself and for what lies deeper. */
function nameOf(key: string | undefined, prefix: string): string | undefined {
  const name = key?.startsWith(prefix) ? key.slice(prefix.length) : '';
  return name === '' || name.includes('/') ? undefined : name;
}

export async function listFiles(folder: Folder): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const page of pagesOf(folder)) files.push(...page.files);
  return files;
}

export async function listFolders(folder: Folder): Promise<string[]> {
  const folders: string[] = [];
  for await (const page of pagesOf(folder)) folders.push(...page.folders);
  return folders;
}

/** Whether the folder may be listed at all, at the cost of one request. */
export async function tryListing(folder: Folder): Promise<void> {
  await pagesOf(folder).next();
}

/** A key that no backup has, for the question whether one may write. */
export const PROBE = '.etcd-upkeep-probe';

/**
 * Ends the uploads of dead runs that began before `before`, in milliseconds since 1970, where `isOurs` says so of their
 * names; returns these. They cost room and no listing of objects shows them.
 */
export async function abortOldUploads(
  folder: Folder,
  before: number,
  isOurs: (name: string) => boolean,
): Promise<string[]> {
  const names: string[] = [];
  for await (const { Key, UploadId, Initiated } of unfinishedUploads(folder)) {
    const name = nameOf(Key, folder.prefix);
    if (name === undefined || !(name === PROBE || isOurs(name))) continue;
    if (!isUploadId(UploadId) || Initiated === undefined || Initiated.getTime() >= before) continue;
    await abortUpload(folder, name, UploadId);
    names.push(name);
  }
  return names;
}

type Upload = NonNullable<ListMultipartUploadsCommandOutput['Uploads']>[number];

async function* unfinishedUploads(folder: Folder): AsyncGenerator<Upload, void> {
  const { client, bucket, prefix } = folder;
  const request = requestOnBucket(folder, 'list the unfinished uploads of', 's3:ListBucketMultipartUploads');
  let marker: Pick<ListMultipartUploadsCommandInput, 'KeyMarker' | 'UploadIdMarker'> = {};
  for (;;) {
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker });
    const page = await attempt(folder, request, (options) => client.send(command, options));
    yield* page.Uploads ?? [];
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return;
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}
