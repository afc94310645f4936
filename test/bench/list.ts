import assert from 'node:assert/strict';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { formatManifest } from '../../src/backup/manifest.ts';
import { backupName, manifestName } from '../../src/backup/names.ts';
import { inParallel } from '../../src/util/parallel.ts';
import { agreeingWith, sampleManifest } from '../backup/sample.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.ts';
import { type Bench, say } from './context.ts';
import { storeCommand } from './job.ts';
import { seconds } from './measure.ts';
import { median } from './pairs.ts';
import { figure, mebibytes, type Row, secondsText } from './rows.ts';
import { bucketStore } from './stores.ts';

const HOUR_MS = 60 * 60 * 1000;
const PUTS_AT_ONCE = 16;
const CONTENT = 'bytes';

/** `list` of a bucket with that many backups: what it holds in memory, and what it asks the server. */
export async function list(bench: Bench): Promise<Row[]> {
  await using server = await startS3();
  await using proxy = await startS3Proxy(server.url);
  const { env } = bucketStore(server);
  await putBackups(server, env.CLUSTER_NAME ?? '', bench.backups);
  const took: number[] = [];
  const peaks: number[] = [];
  for (let run = 0; run < bench.runs; run += 1) {
    proxy.reset();
    took.push(await seconds(async () => peaks.push(await listed(server, proxy, bench.backups))));
    say(`list: ${took.at(-1)?.toFixed(2)} s, peak ${mebibytes(peaks.at(-1))}, ${requestsOf(proxy)}`);
  }
  const what = `\`list\` of ${bench.backups} backups in S3`;
  return [
    figure(`${what}, peak memory`, mebibytes(median(peaks))),
    figure(`${what}, requests`, requestsOf(proxy)),
    figure(`${what}, with the start`, secondsText(median(took))),
  ];
}

/** Its peak memory in bytes. */
async function listed(server: S3Server, proxy: S3Proxy, backups: number): Promise<number> {
  const { stdout, peakRssBytes } = await storeCommand(bucketStore(server, proxy.url), ['list', '-o', 'json']);
  const answer: { backups: { complete: boolean }[] } = JSON.parse(stdout);
  assert.equal(answer.backups.filter(({ complete }) => complete).length, backups);
  return peakRssBytes ?? Number.NaN;
}

/** An hour between each of them. */
async function putBackups({ client, bucket }: S3Server, cluster: string, count: number): Promise<void> {
  say(`Putting ${count} backups into the bucket`);
  const put = (name: string, Body: string) =>
    client.send(new PutObjectCommand({ Bucket: bucket, Key: `etcd/${cluster}/${name}`, Body }));
  const now = Date.now();
  await inParallel([...Array(count).keys()], PUTS_AT_ONCE, async (number) => {
    const at = new Date(now - number * HOUR_MS);
    const name = backupName({ at, revision: 1_000_000 - number, compression: 'zstd' });
    const manifest = sampleManifest({
      ...agreeingWith(name),
      cluster: { name: cluster, id: '5cb4cc4d2c7d2c3a' },
    });
    await put(name, CONTENT);
    await put(manifestName(name), formatManifest(manifest));
  });
}

function requestsOf({ requests }: S3Proxy): string {
  const counts = new Map<string, number>();
  for (const { operation } of requests) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  const kinds = [...counts].map(([operation, count]) => `${count} ${operation}`).join(', ');
  return `${requests.length} requests (${kinds})`;
}
