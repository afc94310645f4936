import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hidingFor } from '../../src/commands/hiding.ts';
import { publicIn, secretsIn } from '../../src/config/secrets.ts';
import { hidingOf } from '../../src/util/hide.ts';

const SECRET = 'p@ss/W0rd"&x+y=z';

describe('a text', () => {
  const ways: readonly (readonly [string, string])[] = [
    ['as it is', SECRET],
    ['in a URL', encodeURIComponent(SECRET)],
    ['in a URL with small letters', encodeURIComponent(SECRET).toLowerCase().replace('w', 'W')],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in JSON', JSON.stringify(SECRET)],
    ['in XML', 'p@ss/W0rd&quot;&amp;x+y=z'],
    ['over two lines', `${SECRET.slice(0, 7)}\n  ${SECRET.slice(7)}`],
    ['cut', SECRET.slice(0, 9)],
    ['at the end of an address', `https://user:${SECRET}`],
  ];
  for (const [what, text] of ways) {
    test(`has no secret in it ${what}`, () => {
      const told = hidingOf([SECRET]).text(`before ${text} after`);
      assert.match(told, /^before .*\*\*\*.* after$/);
      assert.ok(!told.includes('p@s') && !told.includes('W0rd'), told);
    });
  }

  test('has it removed wherever it stands, and what is around it left', () => {
    const { text } = hidingOf(['abcd1234', 'abcd1234efgh']);
    assert.equal(text('abcd1234abcd1234efgh abcd123 aabcd1234'), '****** abcd123 a***');
  });

  test('is not blanked by what is too short to be told from a word', () => {
    const { text } = hidingOf(['', 'a', 'etcd', 'root', 'backup', ' \n']);
    assert.equal(text('a backup of etcd by root'), 'a backup of etcd by root');
    assert.equal(hidingOf(['hunter2']).text('it was hunter2'), 'it was ***');
  });

  test('has what is a secret wherever it comes from removed too', () => {
    const { text } = hidingOf([]);
    assert.equal(text('AKIAIOSFODNN7EXAMPLE and more'), '*** and more');
    assert.equal(text(`in AGE-SECRET-KEY-1${'Q'.repeat(58)}.`), 'in ***.');
    assert.equal(text('-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----!'), '***!');
  });

  test('stays fast however long it is, and however often a secret begins in it', () => {
    const began = performance.now();
    const { text } = hidingOf(['aaaaaaaaaaaaaaaab', 'x'.repeat(2_000)]);
    text('a'.repeat(300_000));
    text('a '.repeat(200_000));
    assert.ok(performance.now() - began < 2_000);
  });
});

test('data keep their shape', () => {
  const { data } = hidingOf(['abcd1234']);
  const value = { list: ['x abcd1234', 1, null, true], deep: { text: 'abcd1234' } };
  assert.deepEqual(data(value), { list: ['x ***', 1, null, true], deep: { text: '***' } });
});

describe('the secrets in an environment', () => {
  const known: readonly (readonly [Record<string, string>, string[]])[] = [
    [{ ETCDCTL_USER: 'root:pw:x' }, ['pw:x', 'x']],
    [{ ETCDCTL_USER: 'ro:ot', ETCDCTL_PASSWORD: 'pw' }, ['pw']],
    [
      { https_proxy: 'http://me:se%40cret@proxy' },
      ['se%40cret', 'bWU6c2UlNDBjcmV0', 'se@cret', 'bWU6c2VAY3JldA=='],
    ],
    [{ HEARTBEAT_URL: 'https://hc.example/ping/0123456789' }, ['/ping/0123456789', '0123456789']],
    [{ HEARTBEAT_URL: 'http://127.0.0.1:26027' }, []],
    [{ HEARTBEAT_URL: 'http://monitoring.example.org:8080/' }, []],
    [{ AZURE_CLIENT_SECRET: 'x', AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/token' }, ['x']],
    [{ BACKUP_STORE: 's3://bucket/prefix?storageClass=STANDARD&kmsKeyId=1' }, []],
    [{ METRICS_PUSHGATEWAY_URL: 'http://gateway:9091', PATH: '/bin', DRY_RUN: 'true' }, []],
  ];
  for (const [env, secrets] of known) {
    test(JSON.stringify(env), () => assert.deepEqual(secretsIn(env).toSorted(), secrets.toSorted()));
  }
});

test('what a report is about stays in its fields, though a password begins like it', () => {
  const env = {
    CLUSTER_NAME: 'production',
    BACKUP_STORE: 'file:///backups/',
    ETCDCTL_PASSWORD: 'production-1',
    HEARTBEAT_URL: 'https://hooks.example/backups/20261126',
  };
  const { data } = hidingFor(env);
  const report = {
    cluster: 'production',
    store: '/backups/production',
    name: '20261126T010000Z-4711.db.zst',
    error: 'production-1 is wrong',
  };
  assert.deepEqual(data(report), { ...report, error: '*** is wrong' });
  assert.deepEqual(
    publicIn({ CLUSTER_NAME: 'prod', BACKUP_STORE: 's3://key:secret@b/p?x=y' }),
    new Set(['prod']),
  );
});
