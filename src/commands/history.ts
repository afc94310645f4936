import { loadStoreSettings } from '../config.ts';
import type { Surroundings } from '../surroundings.ts';
import type { CallOf } from './arguments.ts';
import { emptyPage, pageOf } from './history/page.ts';
import { readHistory } from './history/read.ts';
import { tableOf } from './history/table.ts';
import { type History, nightsText } from './history/words.ts';
import { findShelf } from './shelf.ts';
import { json } from './words.ts';

/** So many manifests that cannot be used are named; JSON names them all. */
const NAMED = 5;

/** Shows the nights that the backups in the store tell of; none at all is no failure. @returns the exit code */
export async function showHistory(
  { last, format }: CallOf<'history'>,
  { env, print, note, signal }: Surroundings,
): Promise<number> {
  const found = await findShelf(loadStoreSettings(env), signal);
  const now = new Date();
  const history =
    found.kind === 'shelf' ? await readHistory(found.shelf, last, now.getTime(), signal) : found.why;
  if (typeof history === 'string') {
    note(`${history}\n`);
    if (format === 'json') print(json({ nights: [] }));
    if (format === 'html') print(emptyPage(history));
    return 0;
  }
  noteAround(history, note);
  if (format === 'json') print(json(history));
  else print(format === 'html' ? pageOf(history, now) : tableOf(history));
  return 0;
}

/** What is no part of the table. */
function noteAround(
  { nights, backups, cluster, store, leftOut }: History,
  note: (text: string) => void,
): void {
  note(`${nightsText(nights.length)} of ${cluster}; complete backups in ${store}: ${backups}\n`);
  for (const { name, problem } of leftOut.slice(0, NAMED)) note(`${name} is left out: ${problem}\n`);
  if (leftOut.length > NAMED) note(`${leftOut.length - NAMED} more are left out\n`);
}
