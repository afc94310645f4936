import { leafReader } from '../../src/bolt/leaves.ts';
import { structureReader } from '../../src/bolt/structure.ts';
import { generatedDatabase } from '../support/generated-database.ts';

/**
 * Reads a database that is made while it is read, so that a process is to be seen that does nothing else: its arguments
 * are the bytes, the keys, and how far it looks.
 */

/** `nothing` is what making it costs; `contents` reads it twice, as a run does, and counts. */
export type Depth = 'nothing' | 'structure' | 'contents';

const [bytes = '', keys = '', depth = 'nothing'] = process.argv.slice(2);
const database = generatedDatabase(Number(bytes), Number(keys));

function found(): { leaves: number; revisions: number } {
  const reader = structureReader();
  for (const chunk of database.chunks()) if (depth !== 'nothing') reader.take(chunk);
  if (depth === 'nothing') return { leaves: 0, revisions: 0 };
  const judgement = reader.judge();
  if (judgement.kind !== 'sound') throw new Error(JSON.stringify(judgement));
  const { leaves } = judgement.structure;
  let revisions = 0;
  if (depth === 'contents') {
    const again = leafReader(judgement.structure, { entry: () => void (revisions += 1) });
    for (const chunk of database.chunks()) again.take(chunk);
    if (again.end() !== 'all') throw new Error('not all of its leaves came again');
    if (revisions !== database.revisions) throw new Error(`${revisions} of ${database.revisions} revisions`);
  }
  return { leaves: leaves.length, revisions };
}

console.log(JSON.stringify({ bytes: database.bytes, pages: database.pages, ...found() }));
