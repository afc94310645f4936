import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { envIn, HELM_VERSIONS, type Manifest, renderText } from './chart.ts';
import { renderEach } from './many.ts';
import { type Problem, problemsOf } from './schema.ts';

/** Both ends of what a run takes: a night must not begin with an exit code 2 that an install could have told of. */

const PLAIN = { endpoints: ['http://127.0.0.1:2379'], tls: { enabled: false } };

/** A value's path -> what it may be at its bounds, and what it may not be just beyond. */
const BOUNDS: Record<string, { right: unknown[]; wrong: unknown[] }> = {
  'compaction.retention': {
    right: [0, '0', 999_999_999_999_999, '999999999999999'],
    wrong: [-1, '-1', 1.5, 2 ** 53, '9007199254740992', '1e3', ' 1'],
  },
  'backup.keepLast': { right: [0, '0', 999_999_999_999_999], wrong: [-1, 2 ** 53, '+1'] },
  'backup.timeout': {
    right: ['1ms', '0.5ms', '24h', '1440m', '86400s', '23h60m'],
    wrong: ['0', '0s', '0h0m', '25h', '23h61m', '86400.5s', '-1m', '1d', '5'],
  },
  'drill.kubernetes.startupTimeout': { right: ['1ms', '24h'], wrong: ['0s', '24h1s', '2'] },
  'browse.ttl': { right: ['1s', '24h', '1h30m'], wrong: ['0', '0s', '23h61m', '1d', 60] },
  'etcd.dialTimeout': { right: ['1ms', '24h'], wrong: ['0ms', '24h1s'] },
  'defrag.wait': { right: [0, '0', '0s', '24h', '1h30m0.5s'], wrong: [1, '1', '24h0m1s', '-1s'] },
  lockTtl: {
    right: ['1s', '60s', '3600s', '60m', '1h', '59m59s'],
    wrong: ['0s', '3601s', '61m', '2h', '1500ms', '60m1s'],
  },
  'etcd.quotaBytes': {
    right: ['', 1, '1', '999T', '1.5Gi', '0.5Ki', '1.001k', 999_999_999_999_999],
    wrong: [0, '0', '0Gi', '0.0', '1.1Gi', '1.0001k', '0.5', '8Pi', '9Pi', 2 ** 53, '2GB', '-1'],
  },
  'defrag.minDbSize': { right: [0, '0', '100Mi', '0.25Gi'], wrong: [-1, '0.3', '100MB', '1m'] },
  'defrag.minFragmentation': {
    right: [0, 1, '0', '1', '.5', '0.45', 0.000_000_000_1, 0.000_000_1, 0.999_999_999],
    wrong: [-0.1, 1.1, '1.1', '45%', '2'],
  },
  'etcd.endpoints': {
    right: [
      ['http://127.0.0.1:65535'],
      ['http://a.b-c_d.svc.:1', 'http://[2001:db8::1]:2379/'],
      ['127.0.0.1:2379'],
    ],
    wrong: [
      'http://127.0.0.1:65536',
      'http://127.0.0.1:0',
      'http://256.0.0.1:1',
      'http://1.2.3:1',
      'http://-a:1',
      'http://a..b:1',
      'http://a b:1',
      'http://u:p@a:1',
      'unix://a:1',
      'http://a',
      'http://a:1/b',
    ].map((endpoint) => [endpoint]),
  },
  'backup.store': {
    right: ['file:///a', 's3://buc', 's3://b.u_c-k/a b?forcePathStyle=true'],
    wrong: ['file://a', 'file:///a?b', 's3://ab', 's3://-ab', 's3://a:80/b', 's3://abc#d', 's3://u:p@abc'],
  },
  'backup.s3.endpoint': {
    right: ['', 'http://minio:9000', 'https://[::1]:1/a', 'https://s3.example.com'],
    wrong: ['minio:9000', 'http://a:65536', 'http://u:p@a', 'http:// a', 'http:///a'],
  },
  'backup.s3.region': { right: ['', 'eu-central-1'], wrong: ['-eu', 'eu central', 'x'.repeat(64)] },
  'metrics.pushgatewayUrl': {
    right: ['', 'http://a:1', 'https://[::1]:65535/a/', 'http://a.b'],
    wrong: ['http://a:65536', 'http://a:b', 'a:9091', 'http://u:p@a', 'http://a#b', 'http://[::1'],
  },
  clusterName: { right: ['', 'a', `a${'.'.repeat(62)}`], wrong: ['.a', 'a'.repeat(64), 'ä'] },
  objectPrefix: { right: ['/', `/${'a'.repeat(200)}`], wrong: ['a', `/${'a'.repeat(201)}`, '/ä'] },
};

function valuesOf(path: string, value: unknown): object {
  const [head = '', ...rest] = path.split('.').toReversed();
  const values: Record<string, unknown> = rest.reduce<Record<string, unknown>>(
    (inner, key) => ({ [key]: inner }),
    { [head]: value },
  );
  const { etcd, ...others } = values;
  return { clusterName: 'c', ...others, etcd: { ...PLAIN, ...(typeof etcd === 'object' ? etcd : {}) } };
}

const ROWS = Object.entries(BOUNDS).flatMap(([path, { right, wrong }]) => [
  ...right.map((value) => ({ path, value, isRight: true })),
  ...wrong.map((value) => ({ path, value, isRight: false })),
]);

for (const helm of HELM_VERSIONS) {
  describe(`what a run would not take helm ${helm} refuses, and nothing else, at the bounds of`, () => {
    let told: Problem[][];
    before(async () => {
      told = await problemsOf(
        helm,
        ROWS.map(({ path, value }) => valuesOf(path, value)),
      );
    });

    for (const path of Object.keys(BOUNDS)) {
      test(path, async () => {
        for (const [index, row] of ROWS.entries()) {
          if (row.path !== path) continue;
          const problems = told[index] ?? [];
          const said = JSON.stringify([row.value, problems]);
          assert.ok(problems.length <= (row.isRight ? 0 : 1), said);
          if (row.isRight || problems.length === 1) continue;
          // What a schema cannot add up a template does.
          const rendered = renderText({ helm, values: valuesOf(path, row.value) });
          await assert.rejects(rendered, /no more than 24h is taken/, said);
        }
      });
    }
  });
}

describe('what the chart takes a run takes, at the bounds of', () => {
  const right = ROWS.filter(({ isRight }) => isRight);
  let made: Manifest[][];
  before(async () => {
    made = await renderEach(right.map(({ path, value }) => valuesOf(path, value)));
  });

  for (const path of Object.keys(BOUNDS)) {
    test(path, () => {
      for (const [index, row] of right.entries()) {
        if (row.path !== path) continue;
        assert.doesNotThrow(() => loadConfig(envIn(made[index] ?? [])), JSON.stringify(row.value));
      }
    });
  }
});
