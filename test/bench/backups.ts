import { type Bench, say } from './context.ts';
import type { BackupRun } from './job.ts';
import { command, type Spent } from './measure.ts';
import { inPairs } from './pairs.ts';
import { alone, comparison, type Row } from './rows.ts';

export interface Contest {
  /** What is backed up, and where to. */
  what: string;
  /** What the others do for it. */
  against: string;
  /** A run that does nothing but back up. */
  ours: () => Promise<BackupRun>;
  theirs: () => Promise<Spent>;
}

/**
 * The stream alone against the others, which prove nothing; then all of the process, which reads the backup back as well
 * and looks into the database: what the stream takes of the processors cannot be told from outside.
 */
export async function backupRows(bench: Bench, { what, against, ours, theirs }: Contest): Promise<Row[]> {
  const pairs = await inPairs(bench.runs, ours, async () => {
    const spent = await theirs();
    await command('sync', []); // else the disk is still busy with their files while the job is measured
    say(
      `the others, ${what}: ${spent.seconds.toFixed(2)} s, ${spent.processorSeconds.toFixed(2)} s of the processors`,
    );
    return spent;
  });
  const wall = pairs.theirs.map(({ seconds }) => seconds);
  const processors = pairs.theirs.map(({ processorSeconds }) => processorSeconds);
  const bytes = pairs.ours[0]?.rawBytes ?? Number.NaN;
  const of = (pick: (run: BackupRun) => number | undefined): number[] =>
    pairs.ours.map((run) => pick(run) ?? Number.NaN);
  return [
    comparison(
      `${what}: until it is durable, against ${against}`,
      of((run) => run.seconds),
      wall,
      bytes,
    ),
    alone(
      `${what}: reading it back`,
      of((run) => run.readBackSeconds),
      bytes,
    ),
    comparison(
      `${what}: all of the process, with reading back`,
      of((run) => run.whole.seconds),
      wall,
      bytes,
    ),
    comparison(
      `${what}: time of the processors, all of the process`,
      of((run) => run.whole.processorSeconds),
      processors,
      bytes,
    ),
  ];
}
