import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Upload } from '@aws-sdk/lib-storage';
import type { Cluster } from '../support/etcd-cluster.ts';
import type { S3Server } from '../support/s3-server.ts';
import { age, etcdctl } from '../support/tools.ts';
import type { Bench } from './context.ts';
import { command } from './measure.ts';

/** `etcdctl snapshot save`; the new file's path. */
export async function save({ folder }: Bench, cluster: Cluster): Promise<string> {
  const file = join(folder, 'peer.db');
  await rm(file, { force: true });
  await command(
    await etcdctl(),
    ['snapshot', 'save', file, '--endpoints', cluster.members[0]?.clientUrl ?? ''],
    tlsOf(cluster),
  );
  return file;
}

/** The new file's path; the old one stays, as it does by default. */
export async function compress(file: string): Promise<string> {
  await command('zstd', ['-3', '-q', '-f', file]);
  return `${file}.zst`;
}

/** Both at once, through a pipe. */
export async function compressAndEncrypt(file: string, { key }: Bench): Promise<string> {
  const target = `${file}.zst.age`;
  const script = 'zstd -3 -q -c "$1" | "$2" -r "$3" -o "$4"';
  await command('bash', ['-o', 'pipefail', '-c', script, 'pipe', file, await age(), key.recipient, target]);
  return target;
}

/** From the disk, by the SDK and with its defaults: four parts of 5 MiB at once. In this process, so without a start. */
export async function upload(server: S3Server, file: string): Promise<void> {
  const Body = createReadStream(file);
  await new Upload({
    client: server.client,
    params: { Bucket: server.bucket, Key: 'peer/snapshot', Body },
  }).done();
}

/** What an operator's script does: save, compress, compact, defragment one member after another. */
export async function runByHand(bench: Bench, cluster: Cluster): Promise<void> {
  const ctl = await etcdctl();
  await compress(await save(bench, cluster));
  const [status] = await cluster.status();
  const revision = String(Math.max(1, (status?.revision ?? 0) - 100));
  await command(ctl, ['compact', '--physical', revision, '--command-timeout=60s'], cluster.env);
  for (const member of cluster.members) {
    await command(ctl, ['defrag', '--endpoints', member.clientUrl, '--command-timeout=60s'], tlsOf(cluster));
  }
}

function tlsOf({ env }: Cluster): Record<string, string> {
  const { ETCDCTL_ENDPOINTS: _unused, ...rest } = env;
  return rest;
}
