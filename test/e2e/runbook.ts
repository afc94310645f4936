import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../support/kubernetes/network.ts';
import { REPOSITORY } from '../support/repository.ts';

/** docs/restore.md: its blocks of commands, to be run as they stand. */
export interface Runbook {
  /**
   * Runs the blocks below that heading, each in a shell of its own, as if pasted; what they print. Throws with what the
   * first one that fails printed.
   */
  follow(host: Host, heading: string, how?: How): Promise<string>;
  /** Every heading with commands below it, in order. */
  headings(): string[];
}

interface How {
  /** Changes a block on its way: what the reader is told to write instead, or a mistake. */
  edit?: (script: string) => string;
}

const PAGE = 'docs/restore.md';

/** @param path what comes first on the PATH of the machines */
export async function readRunbook(path: string): Promise<Runbook> {
  const blocks = blocksOf(await readFile(join(REPOSITORY, PAGE), 'utf8'));

  async function follow(
    host: Host,
    heading: string,
    { edit = (script) => script }: How = {},
  ): Promise<string> {
    const scripts = blocks.get(heading);
    if (scripts === undefined) throw new Error(`${PAGE} has no commands below "${heading}"`);
    const printed: string[] = [];
    for (const script of scripts) {
      const env = `PATH=${path}:${process.env.PATH}`;
      const said = await host.inside('env', env, 'bash', '-c', `exec 2>&1\n${edit(script)}`);
      if (!said.endsWith('--- done\n')) throw new Error(`this does not end as ${PAGE} says:\n${said}`);
      printed.push(said);
    }
    return printed.join('');
  }

  return { follow, headings: () => [...blocks.keys()] };
}

/** The blocks of commands by the heading right above them. */
function blocksOf(text: string): Map<string, string[]> {
  const blocks = new Map<string, string[]>();
  for (const part of text.split(/\n#{2,} /).slice(1)) {
    const [heading = ''] = part.split('\n', 1);
    const scripts = [...part.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script = '']) => script);
    if (scripts.length > 0) blocks.set(heading, scripts);
  }
  return blocks;
}
