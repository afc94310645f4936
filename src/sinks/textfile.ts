import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Registry } from 'prom-client';
import { TooManyBytes } from '../util/bounded.ts';
import { readRegular } from '../util/regular-file.ts';

/** node_exporter runs as another user. */
const MODE = 0o644;

/** Hundreds of times what a run writes. */
const MAX_OLD_BYTES = 8 * 2 ** 20;

/**
 * Writes the metrics for node_exporter's textfile collector, whole or not at all. Metrics that this run has not got keep
 * the figures of the run before. What is no file of such a run (a pipe, a device, something huge) stays as it is.
 */
export async function writeTextfile(path: string, registry: Registry, signal: AbortSignal): Promise<void> {
  const fresh = await registry.metrics();
  const names = new Set((await registry.getMetricsAsJSON()).map(({ name }) => name));
  const kept = familiesOf(await readOld(path, signal)).filter(([name]) => !names.has(name));
  // A name that node_exporter does not take for a file of its own while it is written.
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', MODE);
    try {
      await file.chmod(MODE);
      await file.writeFile([...kept.map(([, text]) => text), fresh.trim(), ''].join('\n'));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function readOld(path: string, signal: AbortSignal): Promise<string> {
  try {
    return (await readRegular(path, MAX_OLD_BYTES, signal)).toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    if (!(error instanceof TooManyBytes)) throw error;
    const message = `${path} has more than ${MAX_OLD_BYTES} bytes, which no run wrote: move it away, or name another file`;
    throw new Error(message, { cause: error });
  }
}

/** The metrics in a file that this program wrote, each with its lines; anything else is left out. */
function familiesOf(text: string): [name: string, lines: string][] {
  const families = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const name = /^(?:# (?:HELP|TYPE) )?(etcd_upkeep_\w+)[ {]/.exec(line)?.[1];
    if (name === undefined) continue;
    const lines = families.get(name) ?? [];
    lines.push(line);
    families.set(name, lines);
  }
  return [...families].map(([name, lines]) => [name, lines.join('\n')]);
}
