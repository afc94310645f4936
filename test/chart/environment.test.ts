import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { CHART, HELM_VERSIONS, renderCronJob, renderEnv, renderPod } from './chart.ts';

const KEY = `age1${'q'.repeat(58)}`;
const OTHER_KEY = `age1${'z'.repeat(58)}`;
const NO_TLS = { etcd: { endpoints: ['http://127.0.0.1:2379'], tls: { enabled: false } } };

describe('the environment', () => {
  test('the default values say what a run without any variables does', async () => {
    const rendered = await renderEnv({ values: NO_TLS });
    const env = { ETCDCTL_ENDPOINTS: 'http://127.0.0.1:2379' };
    assert.deepEqual(loadConfig(rendered), loadConfig(env));
  });

  test('every value arrives under its variable', async () => {
    const rendered = await renderEnv({
      values: {
        clusterName: 'c',
        dryRun: true,
        logLevel: 'debug',
        lockTtl: '30s',
        consistencyCheck: false,
        alarmDisarm: false,
        objectCounts: false,
        objectPrefix: '/elsewhere/',
        metrics: { pushgatewayUrl: 'http://pushgateway:9091/base', textfile: { enabled: true } },
        etcd: {
          endpoints: ['https://a:2379', 'https://b:2379'],
          discoverMembers: false,
          dialTimeout: '1s',
          commandTimeout: '2s',
          quotaBytes: 8_589_934_592,
        },
        backup: {
          enabled: false,
          skipConfirmed: true,
          store: 'file:///elsewhere',
          compression: 'none',
          checkStructure: false,
          ageRecipients: [KEY, OTHER_KEY],
          keepLast: 1,
          keepDaily: 2,
          keepWeekly: 3,
          keepMonthly: 4,
          timeout: '3m',
          s3: { region: 'r', endpoint: 'https://e' },
        },
        compaction: { enabled: false, retention: 12_345_678, timeout: '4m' },
        defrag: {
          enabled: false,
          minFragmentation: 0.3,
          minDbSize: '1Gi',
          quotaUsage: 1,
          minReclaim: 104_857_600,
          moveLeader: false,
          singleMember: false,
          wait: '5s',
          timeout: '6m',
          allowKnownBadVersions: true,
        },
      },
    });
    assert.deepEqual(rendered, {
      ETCDCTL_ENDPOINTS: 'https://a:2379,https://b:2379',
      ETCDCTL_CACERT: '/pki/ca.crt',
      ETCDCTL_CERT: '/pki/client.crt',
      ETCDCTL_KEY: '/pki/client.key',
      ETCDCTL_DIAL_TIMEOUT: '1s',
      ETCDCTL_COMMAND_TIMEOUT: '2s',
      DISCOVER_MEMBERS: 'false',
      QUOTA_BYTES: '8589934592',
      CLUSTER_NAME: 'c',
      DRY_RUN: 'true',
      LOG_LEVEL: 'debug',
      LOCK_TTL: '30s',
      CONSISTENCY_CHECK: 'false',
      ALARM_DISARM: 'false',
      OBJECT_COUNTS: 'false',
      OBJECT_PREFIX: '/elsewhere/',
      METRICS_PUSHGATEWAY_URL: 'http://pushgateway:9091/base',
      METRICS_TEXTFILE: '/textfile/etcd-upkeep.prom',
      BACKUP_ENABLED: 'false',
      BACKUP_SKIP_CONFIRMED: 'true',
      BACKUP_STORE: 'file:///elsewhere',
      BACKUP_COMPRESSION: 'none',
      BACKUP_CHECK_STRUCTURE: 'false',
      BACKUP_AGE_RECIPIENTS: `${KEY},${OTHER_KEY}`,
      BACKUP_KEEP_LAST: '1',
      BACKUP_KEEP_DAILY: '2',
      BACKUP_KEEP_WEEKLY: '3',
      BACKUP_KEEP_MONTHLY: '4',
      BACKUP_TIMEOUT: '3m',
      AWS_REGION: 'r',
      AWS_ENDPOINT_URL_S3: 'https://e',
      COMPACTION_ENABLED: 'false',
      COMPACTION_RETENTION: '12345678',
      COMPACTION_TIMEOUT: '4m',
      DEFRAG_ENABLED: 'false',
      DEFRAG_MIN_FRAGMENTATION: '0.3',
      DEFRAG_MIN_DB_SIZE: '1Gi',
      DEFRAG_QUOTA_USAGE: '1',
      DEFRAG_MIN_RECLAIM: '104857600',
      DEFRAG_MOVE_LEADER: 'false',
      DEFRAG_SINGLE_MEMBER: 'false',
      DEFRAG_WAIT: '5s',
      DEFRAG_TIMEOUT: '6m',
      DEFRAG_ALLOW_KNOWN_BAD_VERSIONS: 'true',
    });
  });

  test('what the drill reads the store by arrives under its variables', async () => {
    const { jobTemplate } = (
      await renderCronJob(
        {
          values: {
            clusterName: 'c',
            backup: {
              store: 's3://bucket/etcd',
              checkStructure: false,
              s3: { region: 'r', endpoint: 'https://e' },
            },
            drill: {
              enabled: true,
              clusterId: '0123456789abcdef',
              ageIdentity: { existingSecret: 'drill-key' },
            },
          },
        },
        'drill',
      )
    ).spec;
    const { env = [] } = jobTemplate.spec.template.spec.initContainers?.[0] ?? {};
    assert.deepEqual(Object.fromEntries(env.map(({ name, value }) => [name, value])), {
      BACKUP: 'latest',
      BACKUP_STORE: 's3://bucket/etcd',
      BACKUP_CHECK_STRUCTURE: 'false',
      CLUSTER_NAME: 'c',
      CLUSTER_ID: '0123456789abcdef',
      AWS_REGION: 'r',
      AWS_ENDPOINT_URL_S3: 'https://e',
      BACKUP_AGE_IDENTITY_FILE: '/identity/identity.txt',
    });
  });

  test('0 and false are told; null is the default', async () => {
    const env = await renderEnv({
      values: { backup: { keepLast: 0, keepDaily: null, timeout: null }, defrag: { wait: '0' } },
    });
    assert.equal(env.BACKUP_KEEP_LAST, '0');
    assert.equal(env.DEFRAG_WAIT, '0');
    assert.equal(env.BACKUP_SKIP_CONFIRMED, 'false');
    assert.equal(env.BACKUP_KEEP_DAILY, '0');
    assert.equal(env.BACKUP_TIMEOUT, '30m');
  });

  test('secrets come from Secrets, never as text', async () => {
    for (const [file, count] of Object.entries({ password: 2, s3: 2, monitoring: 1 })) {
      const [{ env }] = (await renderPod({ file: join(CHART, 'ci', `${file}-values.yaml`) })).containers;
      const secret = env.filter(({ name }) => /PASSWORD|USER|SECRET|ACCESS_KEY|HEARTBEAT/.test(name));
      assert.equal(secret.length, count);
      for (const { value, valueFrom } of secret) {
        assert.equal(value, undefined);
        assert.ok(valueFrom && 'secretKeyRef' in valueFrom);
      }
    }
  });

  test('extraEnv takes the place of what the chart sets, in helm 3 and 4', async () => {
    const extraEnv = [
      { name: 'DRY_RUN', value: 'true' },
      { name: 'ETCDCTL_USER', value: 'root' },
    ];
    const values = { extraEnv, etcd: { auth: { existingSecret: 'password' } } };
    for (const helm of HELM_VERSIONS) {
      const [{ env }] = (await renderPod({ helm, values })).containers;
      const named = (name: string) => env.filter((variable) => variable.name === name);
      assert.deepEqual(named('DRY_RUN'), [{ name: 'DRY_RUN', value: 'true' }]);
      assert.deepEqual(named('ETCDCTL_USER'), [{ name: 'ETCDCTL_USER', value: 'root' }]);
      assert.equal(named('ETCDCTL_PASSWORD').length, 1);
    }
  });
});
