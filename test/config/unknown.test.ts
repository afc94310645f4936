import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { problemsOf } from './support.ts';

describe('variables that are not ours', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['ETCDCTL_INSECURE_SKIP_TLS_VERIFY', /ETCDCTL_CACERT/],
    ['ETCDCTL_INSECURE_TRANSPORT', /https:\/\//],
    ['ETCDCTL_DISCOVERY_SRV', /ETCDCTL_ENDPOINTS/],
    ['ETCDCTL_DISCOVERY_SRV_NAME', /ETCDCTL_ENDPOINTS/],
    ['ETCDCTL_INSECURE_DISCOVERY', /ETCDCTL_ENDPOINTS/],
    ['ETCDCTL_KEEPALIVE_TIME', /unset it/],
    ['ETCDCTL_KEEPALIVE_TIMEOUT', /unset it/],
    ['ETCDCTL_MAX_REQUEST_BYTES', /unset it/],
    ['ETCDCTL_MAX_RECV_BYTES', /unset it/],
    ['ETCDCTL_AUTH_JWT_TOKEN', /ETCDCTL_USER/],
    ['ETCDCTL_CACERTS', /not a variable that etcdctl knows/],
    ['ETCDCTL_ENDPOINT', /use ETCDCTL_ENDPOINTS/],
    ['ETCDCTL_CA_FILE', /use ETCDCTL_CACERT/],
    ['ETCDCTL_', /not a variable/],
  ];
  for (const [variable, message] of refused) {
    test(`refuses ${variable}`, () => {
      const problems = problemsOf({ [variable]: 'true' });
      assert.deepEqual(
        problems.map((problem) => problem.variable),
        [variable],
      );
      assert.match(problems[0]?.message ?? '', message);
    });
  }

  test("ignores etcdctl's settings for its output and what Kubernetes sets for services", () => {
    const harmless = {
      ETCDCTL_API: '3',
      ETCDCTL_WRITE_OUT: 'table',
      ETCDCTL_HEX: 'true',
      ETCDCTL_DEBUG: 'true',
      ETCDCTL_WATCH_KEY: 'a',
      ETCDCTL_WATCH_RANGE_END: 'b',
      BACKUP_SERVICE_HOST: '10.0.0.1',
      BACKUP_SERVICE_PORT: '80',
      BACKUP_SERVICE_PORT_HTTP: '80',
      BACKUP_PORT: 'tcp://10.0.0.1:80',
      BACKUP_PORT_80_TCP: 'tcp://10.0.0.1:80',
      BACKUP_PORT_80_TCP_ADDR: '10.0.0.1',
      ETCDCTL_SERVICE_HOST: '10.0.0.2',
      PATH: '/bin',
      ['__proto__']: 'x',
    };
    assert.deepEqual(loadConfig(harmless), loadConfig({}));
  });

  for (const variable of ['BACKUP_KEEP_DAYLY', 'COMPACTION_RETENTIONS', 'DEFRAG_MAX', 'BACKUP_EXPORT']) {
    test(`warns of ${variable}`, () => {
      const { warnings } = loadConfig({ [variable]: 'secret-value' });
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', new RegExp(`^${variable} is not known`));
      assert.doesNotMatch(warnings[0] ?? '', /secret-value/);
    });
  }
});
