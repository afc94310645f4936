import type { Variables } from './variables.ts';

export interface DefragConfig {
  readonly enabled: boolean;
  /** 0 to 1, together with `minDbSizeBytes`. */
  readonly minFragmentation: number;
  readonly minDbSizeBytes: number;
  /** 0 to 1, together with `minReclaimBytes`. */
  readonly quotaUsage: number;
  readonly minReclaimBytes: number;
  readonly moveLeader: boolean;
  readonly singleMember: boolean;
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly allowKnownBadVersions: boolean;
}

export const readDefrag = ({ read }: Variables): DefragConfig => ({
  enabled: read('DEFRAG_ENABLED', (it) => it.default('true').asTrueOrFalse()),
  minFragmentation: read('DEFRAG_MIN_FRAGMENTATION', (it) => it.default('0.45').asRatio()),
  minDbSizeBytes: read('DEFRAG_MIN_DB_SIZE', (it) => it.default('100Mi').asSize()),
  quotaUsage: read('DEFRAG_QUOTA_USAGE', (it) => it.default('0.8').asRatio()),
  minReclaimBytes: read('DEFRAG_MIN_RECLAIM', (it) => it.default('32Mi').asSize()),
  moveLeader: read('DEFRAG_MOVE_LEADER', (it) => it.default('true').asTrueOrFalse()),
  singleMember: read('DEFRAG_SINGLE_MEMBER', (it) => it.default('true').asTrueOrFalse()),
  waitMs: read('DEFRAG_WAIT', (it) => it.default('10s').asDuration({ min: '0s', max: '24h' })),
  timeoutMs: read('DEFRAG_TIMEOUT', (it) => it.default('10m').asDuration()),
  allowKnownBadVersions: read('DEFRAG_ALLOW_KNOWN_BAD_VERSIONS', (it) => it.default('false').asTrueOrFalse()),
});
