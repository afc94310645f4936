import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { parseBackupName } from '../../backup/names.ts';
import type { StoredFile } from '../store.ts';
import { attempt } from './errors.ts';
import { requestOn, requestOnBucket, type Folder, optionsOf } from './folder.ts';
import { abortUpload } from './multipart.ts';

type Place = Pick<Folder, 'client' | 'bucket' | 'prefix'>;

interface Page {
  files: StoredFile[];
  /** Names of what lies deeper, without the slash. */
  folders: string[];
}

/** What lies directly below the prefix, in pages of up to 1,000: what lies deeper costs one entry for each folder. */
async function* pagesOf({ client, bucket, prefix }: Place, signal?: AbortSignal): AsyncGenerator<Page, void> {
  const asked = requestOnBucket({ bucket, prefix }, 'list', 's3:ListBucket');
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      Delimiter: '/',
      ...(token !== undefined && { ContinuationToken: token }),
    });
    const page = await attempt(asked, () => client.send(command, optionsOf(signal)), signal);
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

export async function listFiles(place: Place): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const page of pagesOf(place)) files.push(...page.files);
  return files;
}

export async function listFolders(place: Place): Promise<string[]> {
  const folders: string[] = [];
  for await (const page of pagesOf(place)) folders.push(...page.folders);
  return folders;
}

/** Whether the folder may be listed at all, at the cost of one request. */
export async function tryListing(folder: Folder, signal: AbortSignal): Promise<void> {
  await pagesOf(folder, signal).next();
}

/** A key that no backup has, for the question whether one may write. */
export const PROBE = '.etcd-upkeep-probe';

/**
 * Ends the uploads of dead runs that began before `before`, in milliseconds since 1970; returns their names. They cost
 * room and no listing of objects shows them.
 */
export async function abortOldUploads(folder: Folder, before: number): Promise<string[]> {
  const { client, bucket, prefix } = folder;
  const asked = requestOnBucket(folder, 'list the unfinished uploads of', 's3:ListBucketMultipartUploads');
  const names: string[] = [];
  let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
  for (;;) {
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker });
    const page = await attempt(asked, () => client.send(command));
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      const name = nameOf(Key, prefix);
      if (name === undefined || !(name === PROBE || parseBackupName(name))) continue;
      if (UploadId === undefined || Initiated === undefined || Initiated.getTime() >= before) continue;
      const aborting = requestOn(folder, name, 'end the upload of', 's3:AbortMultipartUpload');
      await abortUpload(folder, aborting, { Bucket: bucket, Key: `${prefix}${name}`, UploadId });
      names.push(name);
    }
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return names;
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}
