import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConfigurationError,
  type Environment,
  loadConfig,
  readConfiguration,
} from '../../src/config/config.ts';
import { exitCodeOf } from '../../src/errors.ts';
import { problemsOf } from './support.ts';

const defaults = {
  etcd: {
    endpoints: ['https://127.0.0.1:2379'],
    tls: { ca: undefined, cert: undefined, key: undefined },
    credentials: undefined,
    dialTimeoutMs: 5000,
    commandTimeoutMs: 10_000,
    discoverMembers: true,
  },
  clusterName: undefined,
  dryRun: false,
  logLevel: 'info',
  terminationLog: '/dev/termination-log',
  nodeName: undefined,
  lock: { ttlMs: 60_000 },
  consistencyCheck: true,
  backup: {
    enabled: true,
    skipConfirmed: false,
    store: { kind: 'file', directory: '/backups' },
    compression: 'zstd',
    checkStructure: true,
    recipients: [],
    keep: { last: 7, daily: 0, weekly: 0, monthly: 0 },
    timeoutMs: 1_800_000,
  },
  compaction: { enabled: true, retention: 10_000, timeoutMs: 600_000 },
  defrag: {
    enabled: true,
    minFragmentation: 0.45,
    minDbSizeBytes: 104_857_600,
    quotaUsage: 0.8,
    minReclaimBytes: 33_554_432,
    moveLeader: true,
    singleMember: true,
    waitMs: 10_000,
    timeoutMs: 600_000,
    allowKnownBadVersions: false,
  },
  alarmDisarm: true,
  objectPrefix: '/registry/',
  objectCounts: true,
  sinks: { pushgatewayUrl: undefined, textfile: undefined, heartbeatUrl: undefined },
  quotaBytes: undefined,
  warnings: [],
};

/** Another value for every variable that has one of its own, and where it shows. */
const others: readonly (readonly [variable: string, value: string, path: string, expected: unknown])[] = [
  ['ETCDCTL_ENDPOINTS', 'https://a:2379', 'etcd.endpoints', ['https://a:2379']],
  ['ETCDCTL_USER', 'root:pw', 'etcd.credentials', { username: 'root', password: 'pw' }],
  ['ETCDCTL_DIAL_TIMEOUT', '1.5s', 'etcd.dialTimeoutMs', 1500],
  ['ETCDCTL_COMMAND_TIMEOUT', '1m30s', 'etcd.commandTimeoutMs', 90_000],
  ['DISCOVER_MEMBERS', 'false', 'etcd.discoverMembers', false],
  ['CLUSTER_NAME', 'prod-1.eu_west', 'clusterName', 'prod-1.eu_west'],
  ['DRY_RUN', 'true', 'dryRun', true],
  ['LOG_LEVEL', 'silent', 'logLevel', 'silent'],
  ['TERMINATION_LOG', '/tmp/end', 'terminationLog', '/tmp/end'],
  ['NODE_NAME', 'cp-1', 'nodeName', 'cp-1'],
  ['LOCK_TTL', '5s', 'lock.ttlMs', 5000],
  ['CONSISTENCY_CHECK', 'false', 'consistencyCheck', false],
  ['BACKUP_SKIP_CONFIRMED', 'true', 'backup.skipConfirmed', true],
  [
    'BACKUP_STORE',
    'file:///srv/my%20backups/',
    'backup.store',
    { kind: 'file', directory: '/srv/my backups' },
  ],
  ['BACKUP_COMPRESSION', 'none', 'backup.compression', 'none'],
  ['BACKUP_CHECK_STRUCTURE', 'false', 'backup.checkStructure', false],
  ['BACKUP_KEEP_LAST', '0', 'backup.keep.last', 0],
  ['BACKUP_KEEP_DAILY', '14', 'backup.keep.daily', 14],
  ['BACKUP_KEEP_WEEKLY', '8', 'backup.keep.weekly', 8],
  ['BACKUP_KEEP_MONTHLY', '12', 'backup.keep.monthly', 12],
  ['BACKUP_TIMEOUT', '24h', 'backup.timeoutMs', 86_400_000],
  ['COMPACTION_ENABLED', 'false', 'compaction.enabled', false],
  ['COMPACTION_RETENTION', '0', 'compaction.retention', 0],
  ['COMPACTION_TIMEOUT', '500ms', 'compaction.timeoutMs', 500],
  ['DEFRAG_ENABLED', 'false', 'defrag.enabled', false],
  ['DEFRAG_MIN_FRAGMENTATION', '0', 'defrag.minFragmentation', 0],
  ['DEFRAG_MIN_DB_SIZE', '1.5Gi', 'defrag.minDbSizeBytes', 1_610_612_736],
  ['DEFRAG_QUOTA_USAGE', '1', 'defrag.quotaUsage', 1],
  ['DEFRAG_MIN_RECLAIM', '0', 'defrag.minReclaimBytes', 0],
  ['DEFRAG_MOVE_LEADER', 'false', 'defrag.moveLeader', false],
  ['DEFRAG_SINGLE_MEMBER', 'false', 'defrag.singleMember', false],
  ['DEFRAG_WAIT', '0s', 'defrag.waitMs', 0],
  ['DEFRAG_TIMEOUT', '1ms', 'defrag.timeoutMs', 1],
  ['DEFRAG_ALLOW_KNOWN_BAD_VERSIONS', 'true', 'defrag.allowKnownBadVersions', true],
  ['ALARM_DISARM', 'false', 'alarmDisarm', false],
  ['OBJECT_COUNTS', 'false', 'objectCounts', false],
  ['OBJECT_PREFIX', '/kubernetes.io/', 'objectPrefix', '/kubernetes.io/'],
  ['OBJECT_PREFIX', '/elsewhere', 'objectPrefix', '/elsewhere/'],
  ['METRICS_PUSHGATEWAY_URL', 'http://gateway:9091', 'sinks.pushgatewayUrl', new URL('http://gateway:9091')],
  ['METRICS_TEXTFILE', '/textfile/etcd.prom', 'sinks.textfile', '/textfile/etcd.prom'],
  ['HEARTBEAT_URL', 'https://hc.example/id', 'sinks.heartbeatUrl', new URL('https://hc.example/id')],
  ['QUOTA_BYTES', '8Gi', 'quotaBytes', 8_589_934_592],
];

const notBoolean = ['yes', '1', 'TRUE', 'True', ' true', '0'];
const notCount = ['10x', '1e3', ' 5', '-1', '1.5', '+1', '010', '0x10', '9007199254740993', 'many'];
const notTimeout = ['10', '0', '0s', '-5s', '25h', '1 m', 'PT5M', '5S', '10d', '99999999999999999999h'];
const notSize = ['100MB', '-1', '1500m', '1.1Gi', 'Mi', '1 Gi', '0x10', '9000Pi', '1e99', '10K', '1,5Gi'];
const notRatio = ['45%', '1.01', '-0.1', '0,45', '.', '1e-1', 'NaN', ' 0.5'];

/** What each variable must refuse. */
const wrong: Readonly<Record<string, readonly string[]>> = {
  ETCDCTL_DIAL_TIMEOUT: notTimeout,
  ETCDCTL_COMMAND_TIMEOUT: notTimeout,
  DISCOVER_MEMBERS: notBoolean,
  CLUSTER_NAME: ['..', '.hidden', '-x', '_x', 'a/b', 'a b', 'ä', 'a:b', 'x\n', 'a'.repeat(64), 'a\\b', '*'],
  DRY_RUN: notBoolean,
  LOG_LEVEL: ['verbose', 'INFO', '30', ' info'],
  LOCK_TTL: [...notTimeout, '999ms', '61m', '5500ms'],
  CONSISTENCY_CHECK: notBoolean,
  BACKUP_ENABLED: notBoolean,
  BACKUP_SKIP_CONFIRMED: notBoolean,
  BACKUP_STORE: [
    '/backups',
    'backups',
    'file:/backups',
    'file://backups',
    'file://host/backups',
    'file:///backups?x=1',
    'file:///backups#x',
    'file:///a%2Fb',
    'file:///a%00b',
    'file:///a%zz',
    'S3://bucket',
    's3:///prefix',
    'gs://bucket',
  ],
  OBJECT_COUNTS: notBoolean,
  OBJECT_PREFIX: ['registry/', '/a b/', '/ü/', '/\n/'],
  METRICS_PUSHGATEWAY_URL: [
    'gateway:9091',
    'ftp://gateway',
    'http:gateway',
    'http:///x',
    'http://',
    'http://a#b',
  ],
  METRICS_TEXTFILE: ['etcd.prom', '/textfile/etcd.txt', '/a\0b.prom'],
  BACKUP_COMPRESSION: ['gzip', 'ZSTD', 'zstd:19'],
  BACKUP_AGE_RECIPIENTS: ['age1qqqq'],
  BACKUP_KEEP_LAST: notCount,
  BACKUP_KEEP_DAILY: notCount,
  BACKUP_KEEP_WEEKLY: notCount,
  BACKUP_KEEP_MONTHLY: notCount,
  BACKUP_TIMEOUT: notTimeout,
  COMPACTION_ENABLED: notBoolean,
  COMPACTION_RETENTION: notCount,
  COMPACTION_TIMEOUT: notTimeout,
  DEFRAG_ENABLED: notBoolean,
  DEFRAG_MIN_FRAGMENTATION: notRatio,
  DEFRAG_MIN_DB_SIZE: notSize,
  DEFRAG_QUOTA_USAGE: notRatio,
  DEFRAG_MIN_RECLAIM: notSize,
  DEFRAG_MOVE_LEADER: notBoolean,
  DEFRAG_SINGLE_MEMBER: notBoolean,
  DEFRAG_WAIT: ['10', '-5s', '25h', 'soon'],
  DEFRAG_TIMEOUT: notTimeout,
  DEFRAG_ALLOW_KNOWN_BAD_VERSIONS: notBoolean,
  ALARM_DISARM: notBoolean,
  QUOTA_BYTES: [...notSize, '0', '0Gi'],
};

describe('what is given', () => {
  test('gives the defaults for an empty environment', () => assert.deepEqual(loadConfig({}), defaults));

  test('takes an empty variable as unset', () => {
    const names = [...others.map(([variable]) => variable), ...Object.keys(wrong)];
    const more = [
      'ETCDCTL_CACERT',
      'ETCDCTL_CERT',
      'ETCDCTL_KEY',
      'ETCDCTL_PASSWORD',
      'ETCDCTL_DISCOVERY_SRV',
    ];
    const empty = Object.fromEntries([...names, ...more].map((name) => [name, '']));
    assert.deepEqual(loadConfig(empty), defaults);
  });

  for (const [variable, value, path, expected] of others) {
    test(`${variable}=${value}`, () => {
      const config = loadConfig({ [variable]: value });
      assert.deepEqual(at(config, path), expected);
      assert.notDeepEqual(
        at(defaults, path),
        expected,
        'the table should hold something other than the default',
      );
      assert.deepEqual(config.warnings, []);
    });
  }
});

describe('what is refused', () => {
  for (const [variable, values] of Object.entries(wrong)) {
    test(`${variable}: ${JSON.stringify(values)}`, () => {
      for (const value of values) {
        const problems = problemsOf({ [variable]: value });
        assert.deepEqual(
          problems.map((problem) => problem.variable),
          [variable],
          value,
        );
        assert.doesNotMatch(problems[0]?.message ?? '', /env-var|[\r\n]/);
      }
    });
  }

  test('says what was given and what is allowed', () => {
    assert.deepEqual(said({ DRY_RUN: 'yes' }), ['DRY_RUN is "yes"; it should be true or false']);
    assert.deepEqual(said({ LOCK_TTL: '2h' }), ['LOCK_TTL is "2h"; it should be from 1s to 1h']);
    assert.deepEqual(said({ BACKUP_COMPRESSION: 'gzip' }), [
      'BACKUP_COMPRESSION is "gzip"; it should be one of [none, zstd]',
    ]);
    assert.deepEqual(said({ ETCDCTL_CACERT: '/none/ca.crt' }), [
      'ETCDCTL_CACERT is "/none/ca.crt"; it should be a file, but there is none with this path',
    ]);
    assert.deepEqual(said({ BACKUP_STORE: 'gs://bucket' }), [
      'BACKUP_STORE is "gs://bucket"; it should be file:///dir or s3://bucket/prefix',
    ]);
  });

  test('reports everything at once, one line each', () => {
    const env = Object.fromEntries(Object.entries(wrong).map(([variable, values]) => [variable, values[0]]));
    const error = errorOf({
      ...env,
      ETCDCTL_ENDPOINTS: 'nowhere',
      ETCDCTL_PASSWORD: 'x',
      ETCDCTL_CACERTS: '/ca',
    });
    const expected = [
      ...Object.keys(env),
      'ETCDCTL_ENDPOINTS',
      'ETCDCTL_PASSWORD',
      'ETCDCTL_CACERTS',
    ].toSorted();
    assert.deepEqual(error.problems.map(({ variable }) => variable).toSorted(), expected);
    const lines = error.message.split('\n').slice(1);
    assert.deepEqual(
      lines,
      error.problems.map(({ variable, message }) => `${variable} ${message}`),
    );
    assert.equal(exitCodeOf(error), 2);
  });
});

describe('a run without a backup', () => {
  const off = { BACKUP_ENABLED: 'false' };
  const confirmed = { ...off, BACKUP_SKIP_CONFIRMED: 'true' };
  const readOnly = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' };

  test('is refused while the cluster would be changed, in a dry run too', () => {
    for (const more of [
      {},
      { COMPACTION_ENABLED: 'false' },
      { DEFRAG_ENABLED: 'false' },
      { DRY_RUN: 'true' },
    ]) {
      assert.match(problemsOf({ ...off, ...more })[0]?.message ?? '', /BACKUP_SKIP_CONFIRMED=true/);
    }
  });

  test('is allowed where it is confirmed or nothing is changed', () => {
    assert.equal(loadConfig(confirmed).backup.enabled, false);
    assert.equal(loadConfig({ ...off, ...readOnly }).backup.enabled, false);
  });
});

describe('secrets', () => {
  const secret = 's3cr/et?pa#ss';
  const environments: readonly Environment[] = [
    { ETCDCTL_PASSWORD: secret },
    { ETCDCTL_USER: `:${secret}` },
    { ETCDCTL_USER: `root:${secret}`, DRY_RUN: 'maybe' },
    { ETCDCTL_ENDPOINTS: `https://root:${secret}@etcd:2379` },
    { ETCDCTL_ENDPOINTS: `https://root:a,${secret}@etcd:2379,nowhere` },
    { ETCDCTL_ENDPOINTS: `https://etcd:2379/?token=${secret}` },
    { BACKUP_STORE: `s3://AKIA:${secret}@bucket/prefix` },
    { BACKUP_STORE: `s3://bucket/prefix?secretAccessKey=${secret}` },
    { BACKUP_STORE: `https://user:${secret}@host/` },
    { BACKUP_AGE_RECIPIENTS: `AGE-SECRET-KEY-${secret}` },
    { CLUSTER_NAME: `AGE-SECRET-KEY-${secret}` },
    { ETCDCTL_CERT: '/c', ETCDCTL_KEY: `-----BEGIN PRIVATE KEY-----\n${secret}` },
    { ETCDCTL_CERT: '/c', ETCDCTL_KEY: `LS0tLS1CRUdJTiBQUklWQVRF${secret}` },
    { ETCDCTL_PASSWORDS: secret, ETCDCTL_AUTH_JWT_TOKEN: secret },
  ];

  for (const env of environments) {
    test(`are not shown: ${Object.keys(env).join(', ')} ${Object.values(env)[0]?.slice(0, 12)}`, () => {
      const error = errorOf(env);
      const everything = `${error.message} ${JSON.stringify(error.problems)} ${error.stack}`;
      for (const part of ['s3cr', 'et?pa', 'pa#ss']) assert.ok(!everything.includes(part), everything);
    });
  }
});

describe('what a run tells by, where the rest is wrong', () => {
  test('is the log level, and info instead of a wrong one', () => {
    assert.equal(reportingOf({ LOG_LEVEL: 'debug' }).logLevel, 'debug');
    for (const level of [undefined, '', 'loud'])
      assert.equal(reportingOf({ LOG_LEVEL: level }).logLevel, 'info');
  });

  test('is the name of the cluster and the termination log', () => {
    const { clusterName, terminationLog } = reportingOf({
      CLUSTER_NAME: 'prod',
      TERMINATION_LOG: '/tmp/end',
    });
    assert.deepEqual([clusterName, terminationLog], ['prod', '/tmp/end']);
    const fallback = reportingOf({ CLUSTER_NAME: 'a/b', TERMINATION_LOG: '' });
    assert.deepEqual([fallback.clusterName, fallback.terminationLog], [undefined, '/dev/termination-log']);
  });

  test('is every sink that is right itself', () => {
    const { sinks } = reportingOf({ METRICS_TEXTFILE: 'etcd.prom', HEARTBEAT_URL: 'https://hc.example/id' });
    assert.deepEqual(sinks, {
      pushgatewayUrl: undefined,
      textfile: undefined,
      heartbeatUrl: new URL('https://hc.example/id'),
    });
  });

  test('is the same as in a configuration that is right', () => {
    const configuration = readConfiguration({ LOG_LEVEL: 'warn', CLUSTER_NAME: 'prod' });
    assert.ok(configuration.ok);
    const { logLevel, clusterName, terminationLog, sinks } = configuration.config;
    assert.deepEqual(configuration.reporting, { logLevel, clusterName, terminationLog, sinks });
  });
});

/** Of a configuration that is refused. */
function reportingOf(env: Environment) {
  const configuration = readConfiguration({ ...env, DRY_RUN: 'maybe' });
  assert.ok(!configuration.ok && configuration.error instanceof ConfigurationError);
  return configuration.reporting;
}

function said(env: Environment): string[] {
  return problemsOf(env).map(({ variable, message }) => `${variable} ${message}`);
}

function errorOf(env: Environment): ConfigurationError {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  return assert.fail('the environment should have been refused');
}

/** The value at a path of names with dots between them. */
function at(value: unknown, path: string): unknown {
  return path.split('.').reduce((inner: unknown, name) => {
    assert.ok(typeof inner === 'object' && inner !== null && name in inner, `${path}: no ${name}`);
    return Reflect.get(inner, name);
  }, value);
}
