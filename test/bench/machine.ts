import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

export function machine(): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} x ${cpus()[0]?.model}, ${memory} GiB, Linux ${release()}, Node ${process.version}`;
}

/**
 * Starts to watch how much of the processors' time the host gives to others: what is measured meanwhile means little
 * when it is more than a few percent. Returns the question for the share so far, in words.
 */
export function stealMeter(): () => string {
  const before = processorTime();
  return () => {
    const now = processorTime();
    if (before === undefined || now === undefined) return 'an unknown share';
    const share = (now.stolen - before.stolen) / Math.max(1, now.all - before.all);
    return `${(100 * share).toFixed(1)} %`;
  };
}

/** In ticks since the machine was started; undefined where the system does not tell. */
function processorTime(): { all: number; stolen: number } | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/stat', 'utf8');
  } catch {
    return undefined; // not Linux
  }
  // cpu user nice system idle iowait irq softirq steal; the guests' time that follows is in the first two
  const ticks = text.split('\n', 1)[0]?.trim().split(/\s+/).slice(1, 9).map(Number) ?? [];
  return { all: ticks.reduce((sum, value) => sum + value, 0), stolen: ticks[7] ?? 0 };
}
