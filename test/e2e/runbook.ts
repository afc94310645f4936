import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../support/kubernetes/network.ts';
import { REPOSITORY } from '../support/repository.ts';

/** A page's blocks of commands, to be run as they stand. */
export interface Runbook {
  /**
   * Runs the blocks below that heading, each in a shell of its own, as if pasted; what they print. Throws with what the
   * first one that fails printed.
   */
  follow(host: Machine, heading: string, how?: How): Promise<string>;
  /** Every heading with commands below it, in order. */
  headings(): string[];
}

interface How {
  /** Changes a block on its way: what the reader is told to write instead, or a mistake. */
  edit?: (script: string) => string;
}

type Machine = Pick<Host, 'inside'>;

interface RunbookOptions {
  page?: string;
  /** What is in the environment of the machines beside their PATH. */
  env?: Record<string, string>;
}

/** @param path what comes first on the PATH of the machines */
export async function readRunbook(
  path: string,
  { page = 'docs/restore.md', env = {} }: RunbookOptions = {},
): Promise<Runbook> {
  const blocks = blocksOf(await readFile(join(REPOSITORY, page), 'utf8'));
  const variables = Object.entries({ ...env, PATH: `${path}:${process.env.PATH}` }).map(
    ([name, value]) => `${name}=${value}`,
  );

  async function follow(
    host: Machine,
    heading: string,
    { edit = (script) => script }: How = {},
  ): Promise<string> {
    const scripts = blocks.get(heading);
    if (scripts === undefined) throw new Error(`${page} has no commands below "${heading}"`);
    const printed: string[] = [];
    for (const script of scripts) {
      const said = await host.inside('env', ...variables, 'bash', '-c', `exec 2>&1\n${edit(script)}`);
      if (!said.endsWith('--- done\n')) throw new Error(`this does not end as ${page} says:\n${said}`);
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
