import { readContents } from '../backup/contents.ts';
import { readManifest } from '../backup/examine.ts';
import type { Manifest } from '../backup/manifest.ts';
import { comparison } from '../bolt/diff/compare.ts';
import { TooManyKeys } from '../bolt/diff/seen.ts';
import type { Difference } from '../bolt/diff/verdict.ts';
import type { EntryVisitor } from '../bolt/entries.ts';
import type { Structure } from '../bolt/structure.ts';
import { type ContentsSettings, loadContentsSettings } from '../config/config.ts';
import { Failure, isFailure } from '../errors.ts';
import type { InvocationOf } from './arguments.ts';
import type { CommandContext } from './context.ts';
import { isNobodys, leftOutBelow } from './diff/keys.ts';
import { compactedPast, notOneHistory, parted, sameBackup, tooMuch } from './diff/refusals.ts';
import { type Compared, documentOf, textFor } from './diff/report.ts';
import { formatJson } from './output.ts';
import { printProgress } from './progress.ts';
import { type ListedRepository, openRepository, pickBackup } from './repository.ts';

/** Shows which keys two backups differ in. @returns the exit code */
export async function diffBackups(
  invocation: InvocationOf<'diff'>,
  context: CommandContext,
): Promise<number> {
  const { env, print, note, signal } = context;
  const settings = loadContentsSettings(env);
  const repository = await openRepository(settings, signal);
  const older = await manifestOf(repository, invocation.older, note);
  const newer = await manifestOf(repository, invocation.newer, note);
  if (older.name === newer.name) throw sameBackup(older.name);
  const refused = notOneHistory(older, newer);
  if (refused !== undefined) throw refused;
  const difference = await compare({ older, newer, all: invocation.all }, { repository, settings, context });
  if (difference.kind === 'other-history') throw parted(older, newer, difference.revision);
  const compared: Compared = { older, newer, ...difference };
  const { objectPrefix } = settings;
  print(
    invocation.json
      ? formatJson(documentOf(compared, objectPrefix))
      : textFor(compared, objectPrefix, invocation.top),
  );
  return 0;
}

interface Task {
  repository: ListedRepository;
  settings: ContentsSettings;
  context: CommandContext;
}

async function manifestOf(
  repository: ListedRepository,
  which: string,
  note: (text: string) => void,
): Promise<Manifest> {
  const entry = await pickBackup(repository, which, note);
  try {
    return await readManifest(repository, entry);
  } catch (error) {
    throw unusable(entry.name, error);
  }
}

async function compare(
  { older, newer, all }: { older: Manifest; newer: Manifest; all: boolean },
  task: Task,
): Promise<Difference> {
  const isShortLived = leftOutBelow(task.settings.objectPrefix);
  const compared = comparison({
    revisions: { older: older.revision, newer: newer.revision },
    isLeftOut: all ? () => false : isShortLived,
    isIgnored: isNobodys,
  });
  try {
    const inNewer = await read(newer, () => compared.newer(), task);
    const inOlder = await read(older, () => compared.older(), task);
    return compared.difference({ older: compactedIn(older, inOlder), newer: compactedIn(newer, inNewer) });
  } catch (error) {
    throw error instanceof TooManyKeys ? tooMuch() : error;
  }
}

async function read(
  manifest: Manifest,
  visitorFor: () => EntryVisitor,
  { repository, settings, context }: Task,
): Promise<Structure> {
  const { identities } = settings;
  const { signal } = context;
  // Its structure first, then what is in it.
  const twice = { name: manifest.name, stored: { size: 2 * manifest.stored.size } };
  const onRead = printProgress(twice, context);
  try {
    return await readContents({ store: repository.store, manifest, identities, signal, onRead }, visitorFor);
  } catch (error) {
    throw unusable(manifest.name, error);
  }
}

/** Up to where history may be gone. @throws Failure `backup` where that is beyond what the backup is compared by */
function compactedIn(manifest: Manifest, { compactRevision, compactingTo = -1 }: Structure): number {
  const compacted = Math.max(compactRevision, compactingTo);
  if (compacted > manifest.revision) throw compactedPast(manifest, compacted);
  return compacted;
}

/** Says which backup it was; what is no failure of the store comes back as it is. */
function unusable(name: string, error: unknown): unknown {
  if (!isFailure(error, 'backup')) return error;
  return new Failure('backup', `the backup ${name} cannot be used: ${error.message}`, { cause: error });
}
