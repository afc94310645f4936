import { manifestName, parseBackupName } from '../../src/backup/names.ts';
import { formatManifest, type Manifest } from '../../src/backup/manifest.ts';
import type { Store } from '../../src/storage/store.ts';

export const CLUSTER = { name: 'prod', id: '5cb4cc4d2c7d2c3a' };

/** A manifest with every field. */
export function sampleManifest(changes: Partial<Manifest> = {}): Manifest {
  return {
    format: 1,
    name: '20260305T021500Z-4711.db.zst',
    cluster: CLUSTER,
    member: { id: '8e9e05c52164694d', name: 'cp-1' },
    etcdVersion: '3.6.16',
    revision: 4711,
    raftTerm: 3,
    raftAppliedIndex: 5120,
    startedAt: '2026-03-05T02:15:00.123Z',
    finishedAt: '2026-03-05T02:15:09Z',
    raw: { size: 20480, sha256: 'a'.repeat(64) },
    stored: { size: 5, sha256: 'b'.repeat(64) },
    compression: 'zstd',
    encryption: { recipients: [] },
    keys: 42,
    hashKV: { hash: 3_735_928_559, revision: 4700, compactRevision: -1 },
    node: 'cp-1.example',
    problems: [],
    createdBy: { name: 'etcd-upkeep', version: '0.1.0' },
    ...changes,
  };
}

/** What a manifest has to say of a backup of that name. */
export function agreeingWith(
  name: string,
): Pick<Manifest, 'name' | 'revision' | 'startedAt' | 'compression' | 'encryption'> {
  const named = parseBackupName(name);
  if (named === undefined) throw new Error(`${name} is no backup's name`);
  const { at, revision, compression, encrypted } = named;
  const recipients = encrypted ? ['age1x'] : [];
  return { name, revision, startedAt: at.toISOString(), compression, encryption: { recipients } };
}

/** Puts a data file of five bytes and a manifest of that size into the store. */
export async function putBackup(store: Store, name: string, changes: Partial<Manifest> = {}): Promise<void> {
  await store.writeText(name, 'bytes');
  const manifest = sampleManifest({ ...agreeingWith(name), ...changes });
  await store.writeText(manifestName(name), formatManifest(manifest));
}
