import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { type JobResult, runJob } from '../support/run-job.ts';
import { assertRunEnded } from '../support/run-assertions.ts';
import { PROXY_PASSWORD, startHttpProxy } from '../support/http-proxy.ts';
import { createAuthority, type KeyPair } from '../support/pki.ts';
import { freePort } from '../support/free-port.ts';
import { type Pushgateway, startPushgateway } from '../support/pushgateway.ts';
import { scratchFolder, type Scratch } from '../support/scratch-folder.ts';

let cluster: Cluster;
let scratch: Scratch;

before(async () => {
  [cluster, scratch] = await Promise.all([startCluster(), scratchFolder('sinks')]);
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const envOf = (extra: Record<string, string>): Record<string, string> => ({
  ...cluster.env,
  BACKUP_STORE: `file://${join(scratch.path, 'store')}`,
  CLUSTER_NAME: 'prod',
  COMPACTION_ENABLED: 'false',
  DEFRAG_ENABLED: 'false',
  ...extra,
});
/** A store that cannot be written: exit 4. */
const BROKEN = { BACKUP_STORE: 'file:///proc/no' };

/** The value of the first series of that name with those labels, in any order; undefined where there is none. */
function valueOf(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const line = text
    .split('\n')
    .find((each) => each.startsWith(`${name}{`) && wanted.every((label) => each.includes(label)));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

describe('metrics', () => {
  let gateway: Pushgateway;
  before(async () => {
    gateway = await startPushgateway();
  });
  after(() => gateway[Symbol.asyncDispose]());

  for (const kind of ['pushed', 'in a file'] as const) {
    test(`${kind}: a failed run updates its own figures and keeps the last success`, async () => {
      const file = join(scratch.path, 'etcd.prom');
      const sink: Record<string, string> =
        kind === 'pushed' ? { METRICS_PUSHGATEWAY_URL: gateway.url } : { METRICS_TEXTFILE: file };
      const figures = () => (kind === 'pushed' ? gateway.metrics() : readFile(file, 'utf8'));

      const good = assertRunEnded(await runJob(envOf(sink)), 0, 'nothing-needed');
      assert.deepEqual(good.warnings, []);
      const first = await figures();
      const success = valueOf(first, 'etcd_upkeep_last_success_timestamp_seconds');
      assert.ok(Math.abs((success ?? 0) - Date.now() / 1000) < 30);
      assert.equal(valueOf(first, 'etcd_upkeep_last_run_exit_code', { cluster: 'prod' }), 0);
      assert.equal(valueOf(first, 'etcd_upkeep_backup_raw_bytes'), good.backup?.rawBytes);
      assert.ok((valueOf(first, 'etcd_upkeep_backups') ?? 0) >= 1);

      assertRunEnded(await runJob(envOf({ ...sink, ...BROKEN })), 4, 'failed');
      const second = await figures();
      assert.equal(valueOf(second, 'etcd_upkeep_last_success_timestamp_seconds'), success);
      assert.equal(valueOf(second, 'etcd_upkeep_last_run_exit_code'), 4);
      assert.equal(valueOf(second, 'etcd_upkeep_backup_raw_bytes'), good.backup?.rawBytes);
      const failed = { step: 'backup', status: 'failed' };
      assert.equal(valueOf(second, 'etcd_upkeep_step_status', failed), 1);
      assert.ok(
        (valueOf(second, 'etcd_upkeep_last_run_timestamp_seconds') ?? 0) >
          (valueOf(first, 'etcd_upkeep_last_run_timestamp_seconds') ?? 0),
      );
    });
  }

  test('a configuration that is wrong is told too, where the cluster has a name', async () => {
    const sink = { METRICS_PUSHGATEWAY_URL: gateway.url, BACKUP_TIMEOUT: 'soon' };
    assertRunEnded(await runJob(envOf({ ...sink, CLUSTER_NAME: 'wrong' })), 2, 'failed');
    const code = valueOf(await gateway.metrics(), 'etcd_upkeep_last_run_exit_code', { cluster: 'wrong' });
    assert.equal(code, 2);
    const { CLUSTER_NAME: _unnamed, ...env } = envOf(sink);
    const nameless = assertRunEnded(await runJob(env), 2, 'failed');
    assert.match(nameless.warnings.join(), /did not get to know the cluster, and CLUSTER_NAME is not set/);
  });

  test('a dry run tells nobody', async () => {
    const file = join(scratch.path, 'dry.prom');
    const sinks = { METRICS_TEXTFILE: file, METRICS_PUSHGATEWAY_URL: gateway.url, CLUSTER_NAME: 'dry' };
    assertRunEnded(await runJob(envOf({ ...sinks, DRY_RUN: 'true' })), 0, 'dry-run');
    await assert.rejects(stat(file), /ENOENT/);
    assert.doesNotMatch(await gateway.metrics(), /cluster="dry"/);
  });

  test('in a file can be read by node_exporter, and nothing else stays in the folder', async () => {
    const folder = join(scratch.path, 'textfile');
    await mkdir(folder);
    const path = join(folder, 'etcd.prom');
    await writeFile(path, 'other_metric 1\netcd_upkeep_old{cluster="prod"} 7\n');
    assertRunEnded(await runJob(envOf({ METRICS_TEXTFILE: path })), 0, 'nothing-needed');
    assert.deepEqual(await readdir(folder), ['etcd.prom']);
    assert.equal((await stat(path)).mode & 0o777, 0o644);
    const text = await readFile(path, 'utf8');
    assert.equal(valueOf(text, 'etcd_upkeep_old'), 7);
    assert.doesNotMatch(text, /other_metric/);
  });

  test('in a folder that is missing, or takes no file, are one warning', async () => {
    for (const [folder, reason] of [
      [join(scratch.path, 'missing'), /not told of this run: METRICS_TEXTFILE: ENOENT/],
      ['/sys', /not told of this run: METRICS_TEXTFILE: E(ACCES|PERM|ROFS)/],
    ] as const) {
      const result = await runJob(envOf({ METRICS_TEXTFILE: join(folder, 'etcd.prom') }));
      const { warnings } = assertRunEnded(result, 0, 'nothing-needed');
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', reason);
    }
  });
});

/** An HTTP server that notes what it was sent. */
async function startServer(listener: RequestListener, tls?: KeyPair) {
  const requests: { path: string; body: string; headers: IncomingMessage['headers'] }[] = [];
  const listen: RequestListener = (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      requests.push({ path: request.url ?? '', body, headers: request.headers });
      listener(request, response);
    });
  };
  const server =
    tls === undefined
      ? createServer(listen)
      : createTlsServer({ cert: await readFile(tls.cert), key: await readFile(tls.key) }, listen);
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http${tls === undefined ? '' : 's'}://127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('a heartbeat', () => {
  test('tells how it went, at one URL or the other, and nothing of a run that stepped aside', async () => {
    await using server = await startServer((_, response) => response.end('OK'));
    const HEARTBEAT_URL = `${server.url}/ping/secret-id?rid=1`;
    const good = assertRunEnded(await runJob(envOf({ HEARTBEAT_URL })), 0, 'nothing-needed');
    assertRunEnded(await runJob(envOf({ HEARTBEAT_URL, ...BROKEN })), 4, 'failed');
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ['/ping/secret-id?rid=1', '/ping/secret-id/fail?rid=1'],
    );
    const told = JSON.parse(server.requests[0]?.body ?? '');
    assert.equal(told.backup.name, good.backup?.name);
    assert.equal(JSON.parse(server.requests[1]?.body ?? '').exitCode, 4);
    const dryRun = await runJob(envOf({ HEARTBEAT_URL, DRY_RUN: 'true' }));
    assertRunEnded(dryRun, 0, 'dry-run');
    const unreachable = {
      ETCDCTL_ENDPOINTS: `http://127.0.0.1:${await freePort()}`,
      ETCDCTL_DIAL_TIMEOUT: '1s',
    };
    const dryFailed = await runJob(envOf({ HEARTBEAT_URL, DRY_RUN: 'true', ...unreachable }));
    assertRunEnded(dryFailed, 3, 'failed');
    const dryRefused = await runJob(envOf({ HEARTBEAT_URL, DRY_RUN: 'true', BACKUP_KEEP_LAST: 'x' }));
    assertRunEnded(dryRefused, 2, 'failed');
    assert.equal(server.requests.length, 2);
  });

  test('with credentials in its URL sends them as a header, and shows them nowhere', async () => {
    await using server = await startServer((_, response) => response.writeHead(403).end('no entry'));
    const HEARTBEAT_URL = server.url.replace('://', '://me:p%40ss@') + '/ping/secret-id';
    const result = await runJob(envOf({ HEARTBEAT_URL }));
    const { warnings } = assertRunEnded(result, 0, 'nothing-needed');
    assert.match(warnings.join(), /HEARTBEAT_URL: 127\.0\.0\.1:\d+ answered 403: no entry/);
    assert.equal(
      server.requests[0]?.headers.authorization,
      `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    );
    assertNotShown(result, ['secret-id', 'p%40ss', 'p@ss']);
  });

  test('is not shown where its URL is wrong', async () => {
    const result = await runJob(envOf({ HEARTBEAT_URL: 'hc.example/secret-id' }));
    assertRunEnded(result, 2, 'failed');
    assert.match(result.stdout, /HEARTBEAT_URL.*should be a URL that begins with http/);
    assertNotShown(result, ['secret-id']);
  });
});

function assertNotShown({ stdout, stderr, terminationMessage = '' }: JobResult, secrets: string[]): void {
  for (const secret of secrets)
    assert.ok(!`${stdout}${stderr}${terminationMessage}`.includes(secret), stdout);
}

describe('a sink that fails changes nothing but the warnings', () => {
  const sinks = ['METRICS_PUSHGATEWAY_URL', 'HEARTBEAT_URL'] as const;

  /** A run that is well but for its sinks; how long it took, and the warning of each. */
  async function warned(url: string): Promise<{ seconds: number; warnings: string[] }> {
    const began = Date.now();
    const result = await runJob(envOf(Object.fromEntries(sinks.map((name) => [name, url]))));
    const { warnings } = assertRunEnded(result, 0, 'nothing-needed');
    assert.equal(warnings.length, sinks.length, warnings.join('\n'));
    for (const name of sinks) assert.ok(warnings.some((warning) => warning.includes(`${name}: `)));
    return { seconds: (Date.now() - began) / 1000, warnings };
  }

  test('when nothing listens there', async () => {
    const { warnings } = await warned(`http://127.0.0.1:${await freePort()}`);
    assert.match(warnings.join(), /could not be reached: .*ECONNREFUSED/);
  });

  test('when it answers 500, after three tries', async () => {
    await using server = await startServer((_, response) => response.writeHead(500).end('<html>'));
    const { warnings } = await warned(server.url);
    assert.match(warnings.join(), /answered 500(?!:)/);
    assert.equal(server.requests.length, 6);
  });

  test('not at all when it answers 500 once', async () => {
    let answers = 0;
    await using server = await startServer((_, response) =>
      response.writeHead(answers++ > 0 ? 200 : 500).end(),
    );
    const result = await runJob(envOf({ HEARTBEAT_URL: server.url }));
    assert.deepEqual(assertRunEnded(result, 0, 'nothing-needed').warnings, []);
  });

  test('when it hangs, for ten seconds at most', async () => {
    await using server = await startServer(() => undefined);
    const { seconds, warnings } = await warned(server.url);
    assert.match(warnings.join(), /did not answer within 10 s/);
    assert.ok(seconds < 30, `${seconds} s`);
  });

  test('when it redirects to another host, which gets nothing', async () => {
    await using other = await startServer((_, response) => response.end());
    await using server = await startServer((_, response) =>
      response.writeHead(307, { location: `${other.url}/secret` }).end(),
    );
    const { warnings } = await warned(server.url);
    assert.match(warnings.join(), /redirects to 127\.0\.0\.1:\d+ \(307\), which is not followed/);
    assert.equal(other.requests.length, 0);
  });
});

describe('behind a proxy', () => {
  const SINK = {
    METRICS_PUSHGATEWAY_URL: 'http://gateway.test',
    HEARTBEAT_URL: 'https://beat.test/secret-id',
  };

  test('sinks are reached through it, and etcd is not', async () => {
    await using proxy = await startHttpProxy({ auth: true });
    const authority = await createAuthority(join(scratch.path, 'pki'));
    await using gateway = await startServer((_, response) => response.end());
    await using beat = await startServer(
      (_, response) => response.end(),
      await authority.server({ name: 'beat', hosts: ['beat.test'] }),
    );
    const result = await runJob(
      envOf({
        METRICS_PUSHGATEWAY_URL: gateway.url.replace('127.0.0.1', 'gateway.test'),
        HEARTBEAT_URL: `${beat.url.replace('127.0.0.1', 'beat.test')}/secret-id`,
        NODE_EXTRA_CA_CERTS: authority.ca,
        http_proxy: proxy.url,
        HTTPS_PROXY: proxy.url,
      }),
    );
    assert.deepEqual(assertRunEnded(result, 0, 'nothing-needed').warnings, []);
    assert.equal(gateway.requests.length, 1);
    assert.equal(beat.requests[0]?.path, '/secret-id');
    const [one, ...others] = proxy.asked.toSorted();
    assert.match(one ?? '', /^CONNECT beat\.test:\d+$/);
    assert.deepEqual(
      others.map((asked) => asked.replace(/:\d+/, '')),
      ['POST http://gateway.test/metrics/job/etcd-upkeep/cluster/prod'],
    );
  });

  test('that refuses, or is dead: the warning names it and shows no password', async () => {
    await using proxy = await startHttpProxy({ auth: true });
    const wrong = proxy.url.replace('me:', 'you:');
    const dead = proxy.url.replace(/:\d+$/, `:${await freePort()}`);
    for (const [url, words] of [
      [
        wrong,
        [
          /GATEWAY_URL: the proxy on the way to gateway\.test wants a user.*407/,
          /the proxy of HTTPS_PROXY did not open the way.*407/,
        ],
      ],
      [
        dead,
        [
          /GATEWAY_URL: .*the proxy of HTTPS?_PROXY could not be reached \(ECONNREFUSED\)/,
          /HEARTBEAT_URL: beat\.test could not be reached: the proxy of HTTPS_PROXY/,
        ],
      ],
    ] as const) {
      const result = await runJob(envOf({ ...SINK, HTTP_PROXY: url, HTTPS_PROXY: url }));
      const warnings = assertRunEnded(result, 0, 'nothing-needed').warnings.join();
      for (const word of words) assert.match(warnings, word);
      assertNotShown(result, ['secret-id', PROXY_PASSWORD, encodeURIComponent(PROXY_PASSWORD)]);
    }
  });

  test('whose variable is wrong: exit 2, where there is a sink to reach', async () => {
    const wrong = { HTTPS_PROXY: `socks5://me:${encodeURIComponent(PROXY_PASSWORD)}@proxy` };
    assertRunEnded(await runJob(envOf(wrong)), 0, 'nothing-needed');
    const result = await runJob(envOf({ ...wrong, ...SINK }));
    assertRunEnded(result, 2, 'failed');
    assert.match(result.stdout, /"HTTPS_PROXY".*should be a proxy that speaks http or https/);
    assertNotShown(result, [encodeURIComponent(PROXY_PASSWORD)]);
  });
});

test('a run that is ended tells it', async () => {
  await using server = await startServer((_, response) => response.end());
  const env = envOf({
    HEARTBEAT_URL: `${server.url}/id`,
    ETCDCTL_ENDPOINTS: `http://127.0.0.1:${await freePort()}`,
  });
  const result = await runJob({ ...env, ETCDCTL_DIAL_TIMEOUT: '1s' });
  assertRunEnded(result, 3, 'failed');
  assert.equal(server.requests[0]?.path, '/id/fail');
});
