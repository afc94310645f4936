import type { Cost } from './job.ts';
import { median } from './pairs.ts';

export const processorOf = (costs: readonly Pick<Cost, 'processorSeconds'>[]): number[] =>
  costs.map(({ processorSeconds = Number.NaN }) => processorSeconds);
export const secondsOf = (costs: readonly Pick<Cost, 'seconds'>[]): number[] =>
  costs.map((cost) => cost.seconds);
export const peakOf = (costs: readonly Pick<Cost, 'peakRssBytes'>[]): number =>
  median(costs.map(({ peakRssBytes = Number.NaN }) => peakRssBytes));

/** Whether the structure of the database is looked at, as a job is told. */
export const checking = (on: boolean): Record<string, string> => ({ BACKUP_CHECK_STRUCTURE: String(on) });
