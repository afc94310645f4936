import type { CatalogEntry } from '../backup/catalog.ts';
import { readContents } from '../backup/contents.ts';
import { readManifest } from '../backup/examine.ts';
import type { Manifest } from '../backup/manifest.ts';
import { usageCounter, type UsageCounter } from '../bolt/usage/counter.ts';
import { cutUsage } from '../bolt/usage/cut.ts';
import { NAMED_USAGE, type Usage } from '../bolt/usage/types.ts';
import { MAX_STRUCTURE_BYTES, type Structure } from '../bolt/structure.ts';
import { type ContentsSettings, loadContentsSettings } from '../config/config.ts';
import { Failure, isFailure } from '../errors.ts';
import type { InvocationOf } from './arguments.ts';
import type { CommandContext } from './context.ts';
import { formatJson } from './output.ts';
import { printProgress } from './progress.ts';
import { type ListedRepository, openRepository, pickBackup } from './repository.ts';
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

interface Task {
  repository: ListedRepository;
  settings: ContentsSettings;
  context: CommandContext;
}

interface Found {
  manifest: Manifest;
  /** what told of it */
  source: 'manifest' | 'backup';
  usage: Usage;
}

/** @throws Failure `backup`, which says which backup it was */
async function usageIn(entry: CatalogEntry, named: number, task: Task): Promise<Found> {
  try {
    const manifest = await readManifest(task.repository, entry);
    const { usage } = manifest;
    // The manifest names so many at the most, whatever more there is.
    if (usage !== undefined && named <= NAMED_USAGE)
      return { manifest, source: 'manifest', usage: cutUsage(usage, named) };
    return { manifest, source: 'backup', usage: await countIn(manifest, named, task) };
  } catch (error) {
    if (!isFailure(error, 'backup')) throw error;
    throw new Failure('backup', `the backup ${entry.name} cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}

/** Reads the backup itself. */
async function countIn(
  manifest: Manifest,
  named: number,
  { repository, settings, context }: Task,
): Promise<Usage> {
  const { identities, objectPrefix } = settings;
  const { revision } = manifest;
  let counter: UsageCounter | undefined;
  // Its structure first, then what is in it.
  const twice = { name: manifest.name, stored: { size: 2 * manifest.stored.size } };
  const onRead = printProgress(twice, context);
  const reading = { store: repository.store, manifest, identities, signal: context.signal, onRead };
  await readContents(reading, (structure) => {
    counter = usageCounter({ revision, objectPrefix, maxBytes: MAX_STRUCTURE_BYTES - keptOf(structure) });
    return counter;
  });
  const usage = counter?.usage(named);
  if (usage === undefined) throw tooManyKeys();
  return usage;
}

/** What is kept of the structure while its leaves are read: a number a page, and one a leaf. */
const keptOf = ({ head, leaves }: Structure): number => (head.pages + leaves.length) * 4;

const tooManyKeys = (): Failure =>
  new Failure(
    'backup',
    `it has more keys than ${MAX_STRUCTURE_BYTES / 2 ** 20} MiB of memory can count: fetch it, restore it into a scratch ` +
      'etcd, and count there with etcdctl get --prefix --count-only',
  );
