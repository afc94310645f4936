import { loadStoreSettings } from '../config/config.ts';
import type { CommandContext } from './context.ts';
import type { InvocationOf } from './arguments.ts';
import { emptyPage, pageOf } from './history/page.ts';
import { type History, readHistory } from './history/read.ts';
import { formatHistory } from './history/table.ts';
import { formatRuns } from './history/text.ts';
import { findRepository } from './repository.ts';
import { formatJson } from './output.ts';

/** So many manifests that cannot be used are named; JSON names them all. */
const NAMED = 5;

/** Shows the runs that the backups in the store tell of; none at all is no failure. @returns the exit code */
export async function showHistory(
  { last, format }: InvocationOf<'history'>,
  { env, print, note, signal }: CommandContext,
): Promise<number> {
  const found = await findRepository(loadStoreSettings(env), signal);
  const now = new Date();
  const history =
    found.kind === 'repository' ? await readHistory(found.repository, last, now.getTime()) : found.why;
  if (typeof history === 'string') {
    note(`${history}\n`);
    if (format === 'json') print(formatJson({ nights: [] }));
    if (format === 'html') print(emptyPage(history));
    return 0;
  }
  noteContext(history, note);
  if (format === 'json') print(formatJson(history));
  else print(format === 'html' ? pageOf(history, now) : formatHistory(history));
  return 0;
}

/** What is no part of the table. */
function noteContext(
  { nights: runs, backups, cluster, store, leftOut }: History,
  note: (text: string) => void,
): void {
  note(`${formatRuns(runs.length)} of ${cluster}; complete backups in ${store}: ${backups}\n`);
  for (const { name, problem } of leftOut.slice(0, NAMED)) note(`${name} is left out: ${problem}\n`);
  if (leftOut.length > NAMED) note(`${leftOut.length - NAMED} more are left out\n`);
}
