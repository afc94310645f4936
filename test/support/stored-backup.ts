import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, parseManifest } from '../../src/backup/manifest.ts';
import type { Cluster, ClusterOptions } from './etcd-cluster.ts';
import { decompress, restoreSnapshot } from './restored-cluster.ts';

export interface StoredBackup {
  /** The path of the data file. */
  file: string;
  manifest: Manifest;
}

/** Every file below a folder, relative to it and sorted; empty where there is no such folder. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

/** The one backup below a store's root. Fails when there is none, a second one, or any other file. */
export async function onlyBackup(root: string): Promise<StoredBackup> {
  const files = await filesBelow(root);
  const [data = '', manifestFile = ''] = files;
  assert.equal(files.length, 2, `one backup and its manifest, not: ${files.join(', ') || 'nothing'}`);
  assert.equal(manifestFile, `${data}.json`);
  const manifest = parseManifest(await readFile(join(root, manifestFile), 'utf8'));
  if (!manifest.ok) throw new Error(`the manifest ${manifestFile} ${manifest.problem}`);
  return { file: join(root, data), manifest: manifest.value };
}

/** Restores a backup the way an operator would, and serves it. */
export async function restoreBackup(
  { file }: Pick<StoredBackup, 'file'>,
  options: Omit<ClusterOptions, 'snapshot'> = {},
): Promise<Cluster> {
  return restoreSnapshot(file.endsWith('.zst') ? await decompress(file) : file, options);
}
