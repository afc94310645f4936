import type { Case, Series } from './rules.ts';

/** When each alert is to fire, and when not. Values come every five minutes from 1970 on, so 12 an hour and 288 a day. */

const HOUR = 12;
const DAY = 288;

/** One value for so many steps, then the next. */
const steps = (...parts: [value: number | string, count: number][]): string =>
  parts.map(([value, count]) => (value === '_' ? `_x${count}` : `${value}+0x${count - 1}`)).join(' ');
const always = (value: number): string => steps([value, 10 * DAY]);

const run = (metric: string, labels = ''): string => `etcd_upkeep_${metric}{cluster="a"${labels}}`;
const success = (labels = ''): string => run('last_success_timestamp_seconds', labels);
const ended = (labels = ''): string => run('last_run_timestamp_seconds', labels);
const code = (labels = ''): string => run('last_run_exit_code', labels);
const etcd = (metric: string, labels = ''): string =>
  `etcd_${metric}{job="kube-etcd",instance="m1"${labels}}`;
const SIZE = etcd('mvcc_db_total_size_in_bytes');
const IN_USE = etcd('mvcc_db_total_size_in_use_in_bytes');
const QUOTA = etcd('server_quota_backend_bytes');
const COMPACTED = etcd('debugging_mvcc_compact_revision');
const CURRENT = etcd('debugging_mvcc_current_revision');
const DEFRAG = etcd('disk_defrag_inflight');

/** Two nodes with a textfile each: the first had its run earlier than the other. */
const twoNodes = (first: number, second: number): Series => ({
  [code(',instance="n1"')]: always(first),
  [ended(',instance="n1"')]: always(3600),
  [code(',instance="n2"')]: always(second),
  [ended(',instance="n2"')]: always(7200),
});
const exited = (value: number): Series => ({ [code()]: always(value), [ended()]: always(3600) });
/** Sizes of a first run, and the raw size of its backup and of the next. */
const runs = (before: number, after: number, next: number): Series => ({
  [run('backup_raw_bytes')]: steps([before, DAY], [next, DAY]),
  [run('member_db_size_bytes', ',member="m",when="before"')]: steps([before, DAY], [next, DAY]),
  [run('member_db_size_bytes', ',member="m",when="after"')]: steps([after, DAY], [next, DAY]),
});
const durations = (usually: number, lately: number): Series => ({
  [run('run_duration_seconds')]: steps([usually, 7 * DAY], [lately, DAY]),
  [ended()]: steps([3600, 7 * DAY], [7 * 86_400, DAY]),
});
const filled = (percent: number): Series => ({ [SIZE]: always(percent * 1e7), [QUOTA]: always(1e9) });

const A = { cluster: 'a' };
const M1 = { job: 'kube-etcd', instance: 'm1' };
const critical = (labels: object) => ({ ...labels, severity: 'critical' });
const warning = (labels: object) => ({ ...labels, severity: 'warning' });
const info = (labels: object) => ({ ...labels, severity: 'info' });

const fires = (series: Series, at: string, ...firing: Case['firing']): Case => ({ series, at, firing });
const quiet = (series: Series, at: string): Case => ({ series, at, firing: [] });

export const CASES: Record<string, Record<string, Case>> = {
  EtcdUpkeepNoSuccess: {
    'more than 26 hours after the last': fires({ [success()]: always(3600) }, '27h30m', critical(A)),
    'when there never was one': fires({ [ended()]: always(600) }, '30m', critical(A)),
    'also when the figures are lost': fires(
      { [success()]: steps([3600, HOUR], ['_', 3 * DAY]) },
      '27h30m',
      critical(A),
    ),
    'not before': quiet({ [success()]: always(3600), [ended()]: always(3600) }, '27h'),
    'not when another node had one': quiet(
      {
        [success(',instance="n1"')]: always(3600),
        [success(',instance="n2"')]: steps([3600, 2 * DAY], [2 * 86_400, DAY]),
      },
      '60h',
    ),
  },
  EtcdUpkeepNotSeen: {
    'when nobody tells': fires({ up: always(1) }, '26h30m', critical({})),
    'not when a run failed': quiet({ [ended()]: always(3600) }, '60h'),
  },
  EtcdUpkeepRunFailed: {
    'after a 4': fires(exited(4), '30m', warning(A)),
    'after a SIGTERM': fires(exited(143), '30m', warning(A)),
    'when the newest of two failed': fires(twoNodes(0, 3), '30m', warning(A)),
    'not while it is tried again': quiet(exited(4), '10m'),
    'not after a 0': quiet(exited(0), '30m'),
    'not after a 5': quiet(exited(5), '30m'),
    'not after a 6': quiet(exited(6), '30m'),
    'not when a newer one went well': quiet(twoNodes(3, 0), '30m'),
  },
  EtcdUpkeepRunPartial: {
    'after a 5': fires(exited(5), '30m', warning(A)),
    'not after a 0': quiet(exited(0), '30m'),
    'not after a 4': quiet(exited(4), '30m'),
  },
  EtcdUpkeepBackupShrank: {
    'when it is less than half of what there was': fires(runs(1000, 1000, 400), '30h', warning(A)),
    'for a day': quiet(runs(1000, 1000, 400), '49h'),
    'when half of the objects are gone': fires(
      { [run('objects', ',resource="pods"')]: steps([1000, DAY], [400, DAY]) },
      '30h',
      warning(A),
    ),
    'not for what a defragmentation gave back': quiet(runs(1000, 300, 310), '30h'),
    'not when a run failed, which keeps the figures': quiet(runs(1000, 1000, 1000), '30h'),
    'not when Events are gone': quiet(
      {
        [run('objects', ',resource="pods"')]: always(100),
        [run('objects', ',resource="events"')]: steps([9000, DAY], [5, DAY]),
      },
      '30h',
    ),
  },
  EtcdUpkeepRunSlow: {
    'when it takes ten times as long': fires(durations(100, 1000), '174h', info(A)),
    'not for seconds': quiet(durations(10, 200), '174h'),
    'not for a little more': quiet(durations(1000, 2000), '174h'),
  },
  EtcdQuotaUsage: {
    'from 65 %': fires(filled(70), '30m', info(M1)),
    'from 75 %': fires(filled(80), '30m', info(M1), warning(M1)),
    'from 85 %': fires(filled(90), '30m', info(M1), warning(M1), critical(M1)),
    'not below': quiet(filled(60), '30m'),
    'not without a quota': quiet({ [SIZE]: always(1e9), [QUOTA]: always(-1) }, '30m'),
  },
  EtcdFragmentation: {
    'after an hour': fires({ [SIZE]: always(1e9), [IN_USE]: always(3e8) }, '70m', warning(M1)),
    'not before': quiet({ [SIZE]: always(1e9), [IN_USE]: always(3e8) }, '50m'),
    'not in a small file': quiet({ [SIZE]: always(1e8), [IN_USE]: always(1e7) }, '70m'),
    'not by half': quiet({ [SIZE]: always(1e9), [IN_USE]: always(5e8) }, '70m'),
  },
  EtcdAlarm: {
    'when etcd tells of it, once for all members': fires(
      {
        [etcd('debugging_server_alarms', ',server_id="1",alarm_type="NOSPACE"')]: always(1),
        'etcd_debugging_server_alarms{job="kube-etcd",instance="m2",server_id="1",alarm_type="NOSPACE"}':
          always(1),
      },
      '5m',
      critical({ job: 'kube-etcd', alarm_type: 'NOSPACE' }),
    ),
    'when a member knows that data differ': fires(
      { [etcd('server_healthcheck', ',type="readyz",name="data_corruption"')]: always(0) },
      '5m',
      critical({ job: 'kube-etcd', alarm_type: 'CORRUPT' }),
    ),
    'when the file has reached the quota': fires(
      filled(100),
      '5m',
      critical({ job: 'kube-etcd', alarm_type: 'NOSPACE' }),
    ),
    'not when it was disarmed': quiet(
      {
        [etcd('debugging_server_alarms', ',server_id="1",alarm_type="NOSPACE"')]: steps([1, 2], [0, 10]),
        [etcd('server_healthcheck', ',type="readyz",name="data_corruption"')]: always(1),
      },
      '30m',
    ),
    'not without a quota': quiet({ [SIZE]: always(1e9), [QUOTA]: always(-1) }, '5m'),
  },
  EtcdNotCompacted: {
    'when much history stays for a day': fires(
      { [CURRENT]: `1000+1000x${2 * DAY}`, [COMPACTED]: always(500) },
      '28h',
      warning(M1),
    ),
    'not when it goes on': quiet(
      { [CURRENT]: `200000+1000x${2 * DAY}`, [COMPACTED]: `0+1000x${2 * DAY}` },
      '28h',
    ),
    'not when there is little to do': quiet({ [CURRENT]: always(5000), [COMPACTED]: always(500) }, '28h'),
    'not when Prometheus is new': quiet({ [CURRENT]: always(5e5), [COMPACTED]: always(500) }, '20h'),
  },
  EtcdDefragmentationLong: {
    'after ten minutes': fires({ [DEFRAG]: always(1) }, '15m', warning(M1)),
    'not when it ended': quiet({ [DEFRAG]: steps([1, 2], [0, 10]) }, '20m'),
  },
};
