import type { Config } from '../config/config.ts';

/** What will be done and why; or what will not, and whether that is as it should be (`skipped`) or not (`refused`). */
export type Decision =
  | { do: true; reason: string }
  | { do: false; status: 'skipped' | 'refused'; reason: string };

/** The part of the configuration that the plan depends on. */
export type Policy = Pick<Config, 'backup' | 'compaction' | 'defrag' | 'alarmDisarm' | 'quotaBytes'>;

export const go = (reason: string): Decision => ({ do: true, reason });
export const skip = (reason: string): Decision => ({ do: false, status: 'skipped', reason });
export const refuse = (reason: string): Decision => ({ do: false, status: 'refused', reason });

/** Why a step that changes the cluster is refused. It does not speak of the backup, which is still to be taken. */
export const notWell = (problems: readonly string[]): Decision =>
  refuse(`the cluster is not well, so this is left alone: ${problems.join('; ')}`);
