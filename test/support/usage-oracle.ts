import type { Etcd3 } from 'etcd3';
import type { UsageFigures } from '../../src/bolt/usage/types.ts';

/** What etcd itself says of its keys: those that exist by a Range, every revision by a watch from the first on. */
export interface AskedUsage {
  total: UsageFigures;
  byResource: Record<string, UsageFigures>;
  byNamespace: Record<string, UsageFigures>;
  /** by key, in hex */
  bytes: Map<string, number>;
  revisions: Map<string, number>;
}

const ALL = Buffer.from([0]);
const LOCK = 'etcd-upkeep/lock';

/** As of a revision, before any compaction. Resources and namespaces are told apart by `placeOf`, not as the program does. */
export async function askUsage(
  client: Etcd3,
  revision: number,
  placeOf: (key: string) => { resource: string; namespace: string },
): Promise<AskedUsage> {
  const { kvs } = await client.kv.range({ key: ALL, range_end: ALL, revision: String(revision) });
  const bytes = new Map(kvs.map(({ key, value }) => [key.toString('hex'), value.length]));
  const asked: AskedUsage = {
    total: nothing(),
    byResource: {},
    byNamespace: {},
    bytes,
    revisions: new Map(),
  };
  for (const { key, put, size } of await changesUntil(client, revision)) {
    const text = Buffer.from(key, 'hex').toString('latin1');
    if (text.startsWith(LOCK)) {
      bytes.delete(key);
      continue;
    }
    const { resource, namespace } = placeOf(text);
    asked.byResource[resource] ??= nothing();
    asked.byNamespace[namespace] ??= nothing();
    const revisions = (asked.revisions.get(key) ?? 0) + 1;
    asked.revisions.set(key, revisions);
    for (const figures of [asked.total, asked.byResource[resource], asked.byNamespace[namespace]])
      count(figures, revisions === 1 ? bytes.get(key) : undefined, put ? size : 0);
  }
  return asked;
}

const nothing = (): UsageFigures => ({ keys: 0, revisions: 0, liveBytes: 0, historyBytes: 0 });

/** Its live value counts with the first revision of a key, and so is no history. */
function count(figures: UsageFigures, live: number | undefined, size: number): void {
  figures.revisions += 1;
  figures.historyBytes += size - (live ?? 0);
  figures.liveBytes += live ?? 0;
  if (live !== undefined) figures.keys += 1;
}

interface Change {
  key: string;
  put: boolean;
  size: number;
}

/** Watches from the first revision until one that is behind the last of interest: a write makes sure that there is one. */
async function changesUntil(client: Etcd3, revision: number): Promise<Change[]> {
  const watcher = await client.watch().prefix('').startRevision('1').create();
  const changes: Change[] = [];
  const done = new Promise<void>((resolve, reject) => {
    watcher.on('error', reject);
    watcher.on('data', ({ events }) => {
      for (const { type, kv } of events) {
        if (Number(kv.mod_revision) > revision) return resolve();
        changes.push({ key: kv.key.toString('hex'), put: type === 'Put', size: kv.value.length });
      }
    });
  });
  await client.put('behind').value('it');
  await done;
  await watcher.cancel();
  return changes;
}
