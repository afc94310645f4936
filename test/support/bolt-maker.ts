import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { endProcess, guardProcess } from './process-guard.ts';
import { plainEnv, runProgram } from './run-program.ts';
import { scratchFolder } from './scratch-folder.ts';
import { boltMaker } from './tools.ts';

/**
 * A series of transactions as etcd writes them. What is in the file follows from it alone; which page has what does not,
 * since bbolt goes through maps when it commits. What is left out is none.
 */
export interface Recipe {
  seed?: number;
  /** The machine's when left out. */
  pageSize?: number;
  /** etcd writes no free list on Linux. */
  freelistSync?: boolean;
  freelistType?: 'map' | 'array';
  keys: number;
  transactions: number;
  /** In one transaction, at most. */
  operations?: number;
  /** All operations of a transaction have one revision. */
  txn?: boolean;
  /** One in so many operations deletes. */
  deleteEvery?: number;
  /** Bytes of a value, at least and at most; and of one in so many. */
  value: [least: number, most: number];
  bigEvery?: number;
  big?: [least: number, most: number];
  /** So many transactions apart, and how many revisions remain. */
  compactEvery?: number;
  retain?: number;
  /** The last compaction was begun and not finished. */
  unfinished?: boolean;
  /** One in so many keys has a lease. */
  leaseEvery?: number;
  users?: number;
  roles?: number;
  leases?: number;
  alarms?: number;
  members?: number;
  /** Makes the bucket `meta` larger than what stays within its parent's page. */
  confStateBytes?: number;
}

/** What bbolt and etcd's own reading say of a database. */
export interface Verdict {
  /** Why bbolt's check, its writing, or etcd's first look refuses it; empty where nothing does. */
  structure: string[];
  /** What etcd would die of within values. */
  values: string[];
  /** By bucket; those without any are left out. */
  keys: Record<string, number>;
  revision: number;
  /** -1 where there was no compaction. */
  scheduled: number;
  finished: number;
  consistentIndex: number;
}

/** A snapshot as etcd sends it, but for the checksum behind it. */
export async function makeDatabase(recipe: Recipe): Promise<{ file: Buffer; holds: Verdict }> {
  await using folder = await scratchFolder('bolt');
  const path = join(folder.path, 'made.db');
  const input = JSON.stringify(recipe);
  const holds: Verdict = JSON.parse(
    await runProgram(await boltMaker(), ['make', path], { env: plainEnv(), input, timeoutMs: 300_000 }),
  );
  return { file: await readFile(path), holds };
}

export interface Judge extends AsyncDisposable {
  /** One at a time. A database that kills bbolt is refused in the words of its panic. */
  judge(file: Buffer): Promise<Verdict>;
}

/** A process that judges one database after another: a millisecond for a small one. */
export async function startJudge(): Promise<Judge> {
  const folder = await scratchFolder('judge');
  const binary = await boltMaker();
  let running: Running | undefined;
  return {
    async judge(file) {
      running ??= start(binary, folder.path);
      const { child, lines } = running;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(file.length);
      child.stdin.write(length);
      child.stdin.write(file);
      const line = await lines.next();
      if (line.done !== true) return parsed(line.value);
      const why = await running.end;
      running = undefined;
      return {
        structure: [why],
        values: [],
        keys: {},
        revision: 0,
        scheduled: -1,
        finished: -1,
        consistentIndex: 0,
      };
    },
    async [Symbol.asyncDispose]() {
      if (running !== undefined) await endProcess(running.child, 'SIGKILL');
      await folder[Symbol.asyncDispose]();
    },
  };
}

function parsed(line: string): Verdict {
  const verdict: Verdict = JSON.parse(line);
  return verdict;
}

interface Running {
  child: ChildProcessWithoutNullStreams;
  lines: AsyncIterator<string>;
  /** How it died. */
  end: Promise<string>;
}

function start(binary: string, folder: string): Running {
  // A map that ends too early gives a signal, which would take a core dump's time.
  const child = spawn(binary, ['judge', folder], { env: plainEnv({ GOTRACEBACK: 'none' }) });
  guardProcess(child);
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words = `${words}${text}`.slice(0, 2000)));
  child.stdin.on('error', () => {}); // it died before it had read all: its end tells
  const end = once(child, 'close').then(() => `died: ${words.trim().split('\n')[0] ?? ''}`);
  return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator](), end };
}
