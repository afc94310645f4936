import type { CatalogEntry } from '../backup/catalog.ts';
import type { Manifest } from '../backup/manifest.ts';
import { keyNumbers } from '../bolt/keys/key-numbers.ts';
import { heldBytes } from '../bolt/leaves.ts';
import { numbered } from '../bolt/keys/numbered.ts';
import { roomOf } from '../bolt/keys/room.ts';
import { MAX_STRUCTURE_BYTES } from '../bolt/structure.ts';
import { USAGE_KEY_BYTES } from '../bolt/usage/columns.ts';
import { countedAt, usageCounter } from '../bolt/usage/counter.ts';
import { cutUsage } from '../bolt/usage/cut.ts';
import { NAMED_USAGE, type Usage } from '../bolt/usage/types.ts';
import { loadContentsSettings } from '../config/config.ts';
import { Failure } from '../errors.ts';
import type { InvocationOf } from './arguments.ts';
import { openContents, type Task } from './contents.ts';
import type { CommandContext } from './context.ts';
import { formatJson } from './output.ts';
import { manifestOf, openRepository, pickBackup, unusable } from './repository.ts';
import { formatUsage } from './usage/text.ts';

/** What a table names of each list unless told otherwise. */
const DEFAULT_TOP = 10;

/** Shows what fills a backup's database. @returns the exit code */
export async function showUsage(
  { which, top, json }: InvocationOf<'usage'>,
  context: CommandContext,
): Promise<number> {
  const { env, print, note, signal } = context;
  const settings = loadContentsSettings(env);
  const repository = await openRepository(settings, signal);
  const entry = await pickBackup(repository, which, note);
  const named = top ?? (json ? NAMED_USAGE : DEFAULT_TOP);
  const { manifest, source, usage } = await usageIn(entry, named, { repository, settings, context });
  const { store, cluster } = repository;
  const { name, revision } = manifest;
  if (json) {
    print(formatJson({ store: store.location, cluster, backup: name, revision, source, ...usage }));
    return 0;
  }
  note(`${name} of ${cluster} in ${store.location}, as of revision ${revision}\n`);
  print(formatUsage(usage));
  return 0;
}

interface Found {
  manifest: Manifest;
  /** what told of it */
  source: 'manifest' | 'backup';
  usage: Usage;
}

/** @throws Failure `backup`, which says which backup it was */
async function usageIn(entry: CatalogEntry, named: number, task: Task): Promise<Found> {
  const manifest = await manifestOf(task.repository, entry);
  const { usage } = manifest;
  // The manifest names so many at the most, whatever more there is.
  if (usage !== undefined && named <= NAMED_USAGE)
    return { manifest, source: 'manifest', usage: cutUsage(usage, named) };
  return { manifest, source: 'backup', usage: await countIn(manifest, named, task) };
}

/** Reads the backup itself. */
async function countIn(manifest: Manifest, named: number, task: Task): Promise<Usage> {
  const opened = await openContents(manifest, task);
  const { structure } = opened;
  const revision = countedAt(structure, manifest.revision);
  const room = roomOf(MAX_STRUCTURE_BYTES - heldBytes(structure));
  const keys = keyNumbers(room, structure.keys, USAGE_KEY_BYTES);
  const counter = usageCounter({ revision, objectPrefix: task.settings.objectPrefix, keys, room });
  await opened.show(numbered(keys, [counter]));
  const usage = counter.usage(named);
  if (usage === undefined) throw unusable(manifest.name, tooManyKeys());
  return usage;
}

const tooManyKeys = (): Failure =>
  new Failure(
    'backup',
    `it has more keys than ${MAX_STRUCTURE_BYTES / 2 ** 20} MiB of memory can count: fetch it, restore it into a scratch ` +
      'etcd, and count there with etcdctl get --prefix --count-only',
  );
