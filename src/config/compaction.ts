import type { Variables } from './variables.ts';

export interface CompactionConfig {
  readonly enabled: boolean;
  /** Revisions of history to keep. */
  readonly retention: number;
  readonly timeoutMs: number;
}

export const readCompaction = ({ read }: Variables): CompactionConfig => ({
  enabled: read('COMPACTION_ENABLED', (it) => it.default('true').asTrueOrFalse()),
  retention: read('COMPACTION_RETENTION', (it) => it.default('10000').asWholeNumber()),
  timeoutMs: read('COMPACTION_TIMEOUT', (it) => it.default('10m').asDuration()),
});
