import { readFileSync } from 'node:fs';

/** What a process has used so far. */
export interface ProcessUsage {
  peakRssBytes: number;
  /** of the processors, its own and the system's for it */
  processorSeconds: number;
}

/** Linux tells times in ticks, a hundred a second for every program. */
const TICKS_IN_SECOND = 100;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** Undefined where there is no such system, or no such process any more. */
export function usageOf(pid: number | undefined): ProcessUsage | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (kib === undefined) return undefined; // it has ended, and its memory is gone
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Its name, in brackets, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS]);
    return { peakRssBytes: Number(kib) * 1024, processorSeconds: ticks / TICKS_IN_SECOND };
  } catch {
    return undefined;
  }
}
