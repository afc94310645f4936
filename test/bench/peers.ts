import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../support/etcd-cluster.ts';
import { REPOSITORY } from '../support/repository.ts';
import { plainEnv, runProgram } from '../support/run-program.ts';
import type { S3Server } from '../support/s3-server.ts';
import { age, etcdctl } from '../support/tools.ts';
import type { Bench } from './context.ts';
import { command, type Spent, together } from './measure.ts';

/** The job's own level: what is compared is how it is done, not how hard. */
const LEVEL = '-2';
export const ZSTD = `\`zstd ${LEVEL}\``;

/** A file that the others made, and what it took them. */
export interface Made {
  file: string;
  spent: Spent;
}

/** `etcdctl snapshot save`, which returns when the file is on the disk. */
export async function save({ folder }: Bench, cluster: Cluster): Promise<Made> {
  const file = join(folder, 'peer.db');
  await rm(file, { force: true });
  const args = ['snapshot', 'save', file, '--endpoints', cluster.member(0).clientUrl];
  return { file, spent: await command(await etcdctl(), args, tlsOf(cluster)) };
}

/** The old file stays, as it does by default. */
export async function compress(of: string): Promise<Made> {
  const file = `${of}.zst`;
  await rm(file, { force: true });
  return { file, spent: await command('zstd', [LEVEL, '-q', of]) };
}

/** Both at once, through a pipe. */
export async function compressAndEncrypt(of: string, { key }: Bench): Promise<Made> {
  const file = `${of}.zst.age`;
  await rm(file, { force: true });
  const script = 'zstd "$1" -q -c "$2" | "$3" -r "$4" -o "$5"';
  const args = ['-o', 'pipefail', '-c', script, 'pipe', LEVEL, of, await age(), key.recipient, file];
  return { file, spent: await command('bash', args) };
}

/** Waits until the file is on the disk, which zstd does not and the job does. */
export const sync = (file: string): Promise<Spent> => command('sync', [file]);

/** From the disk, by the SDK and with its defaults: four parts of 5 MiB at once. Without the start of its process. */
export async function upload(server: S3Server, file: string): Promise<Spent> {
  const script = join(REPOSITORY, 'test/bench/upload.ts');
  const args = [script, server.bucket, file];
  const how = { env: plainEnv(server.env()), timeoutMs: 600_000 };
  const spent: Spent = JSON.parse(await runProgram(process.execPath, args, how));
  return spent;
}

/** What an operator's script does: save, compress, compact, defragment one member after another. */
export async function runByHand(bench: Bench, cluster: Cluster): Promise<Spent> {
  const ctl = await etcdctl();
  const saved = await save(bench, cluster);
  const compressed = await compress(saved.file);
  const spent = [saved.spent, compressed.spent, await sync(compressed.file)];
  const [status] = await cluster.status();
  const revision = String(Math.max(1, (status?.revision ?? 0) - 100));
  spent.push(await command(ctl, ['compact', '--physical', revision, '--command-timeout=60s'], cluster.env));
  for (const member of cluster.members) {
    const defrag = ['defrag', '--endpoints', member.clientUrl, '--command-timeout=60s'];
    spent.push(await command(ctl, defrag, tlsOf(cluster)));
  }
  return together(spent);
}

function tlsOf({ env }: Cluster): Record<string, string> {
  const { ETCDCTL_ENDPOINTS: _unused, ...rest } = env;
  return rest;
}
