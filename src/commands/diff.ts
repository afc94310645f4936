import type { Manifest } from '../backup/manifest.ts';
import { comparison } from '../bolt/diff/compare.ts';
import { TooManyKeys } from '../bolt/diff/seen.ts';
import type { Difference } from '../bolt/diff/verdict.ts';
import { isNobodys } from '../bolt/keys/nobodys.ts';
import { heldBytes } from '../bolt/leaves.ts';
import { compactedTo, type Structure } from '../bolt/structure.ts';
import { loadContentsSettings } from '../config/config.ts';
import type { InvocationOf } from './arguments.ts';
import { openContents, type Task } from './contents.ts';
import type { CommandContext } from './context.ts';
import { leftOutBelow } from './diff/keys.ts';
import { compactedPast, notOneHistory, parted, sameBackup, tooMuch } from './diff/refusals.ts';
import { type Compared, documentOf, textFor } from './diff/report.ts';
import { formatJson } from './output.ts';
import { manifestOf, openRepository, pickBackup } from './repository.ts';

/** Shows which keys two backups differ in. @returns the exit code */
export async function diffBackups(
  invocation: InvocationOf<'diff'>,
  context: CommandContext,
): Promise<number> {
  const { env, print, note, signal } = context;
  const settings = loadContentsSettings(env);
  const repository = await openRepository(settings, signal);
  const older = await manifestOf(repository, await pickBackup(repository, invocation.older, note));
  const newer = await manifestOf(repository, await pickBackup(repository, invocation.newer, note));
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
  // Both structures first: what they take to be proved is free again when the keys of the newer one are kept.
  const inNewer = await openContents(newer, task);
  const inOlder = await openContents(older, task);
  const compacted = {
    older: compactedIn(older, inOlder.structure),
    newer: compactedIn(newer, inNewer.structure),
  };
  try {
    const held = heldBytes(inNewer.structure) + heldBytes(inOlder.structure);
    await inNewer.show(compared.newer(held));
    await inOlder.show(compared.older(held));
    return compared.difference(compacted);
  } catch (error) {
    throw error instanceof TooManyKeys ? tooMuch() : error;
  }
}

/** Up to where history may be gone. @throws Failure `backup` where that is beyond what the backup is compared by */
function compactedIn(manifest: Manifest, structure: Structure): number {
  const compacted = compactedTo(structure);
  if (compacted > manifest.revision) throw compactedPast(manifest, compacted);
  return compacted;
}
