import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { endProcess, guardProcess } from './process-guard.ts';
import type { KeyPair } from './pki.ts';
import { freePort } from './free-port.ts';
import { plainEnv } from './run-program.ts';
import { scratchFolder } from './scratch-folder.ts';
import { versitygw } from './tools.ts';

export interface S3Options {
  /** Listens there rather than on the loopback address. */
  host?: string;
  /** Serves HTTPS with it. */
  tls?: KeyPair;
  /** Keeps every version of an object, and can lock them. */
  versioning?: boolean;
  /** Can lock objects, and keeps no versions: what is locked cannot be removed at all. */
  objectLock?: boolean;
}

/** A real S3 server on this machine, with one bucket in it. */
export interface S3Server extends AsyncDisposable {
  readonly url: string;
  readonly bucket: string;
  /** For the tests themselves, past every proxy. */
  readonly client: S3Client;
  readonly pid: number | undefined;
  /** The `AWS_*` variables for the job under test, which finds the server, or a proxy before it, at that URL. */
  env(url?: string): Record<string, string>;
  /** Every key in the bucket, sorted. */
  keys(): Promise<string[]>;
  /** The keys of uploads that were begun and neither completed nor aborted. */
  uploads(): Promise<string[]>;
  /** Removes all keys and ends all uploads. */
  clear(): Promise<void>;
  start(): Promise<void>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

export const ACCESS_KEY = 'AKIATESTTESTTESTTEST';
export const SECRET_KEY = 'secret/of+the+tests';
export const BUCKET = 'backups';
const START_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

/** What no test may find on the machine that it runs on. */
const ALONE = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_CONFIG_FILE: '/dev/null',
};

export async function startS3(options: S3Options = {}): Promise<S3Server> {
  const { host = '127.0.0.1', tls, versioning = false, objectLock = versioning } = options;
  const binary = await versitygw();
  const scratch = await scratchFolder('s3');
  const folder = (name: string) => join(scratch.path, name);
  const [root, metadata, versions] = [folder('root'), folder('metadata'), folder('versions')];
  for (const path of [root, metadata, versions]) await mkdir(path);
  const port = await freePort();
  const url = `${tls ? 'https' : 'http'}://${host}:${port}`;
  const logFile = join(scratch.path, 'log');
  const args = ['--port', `${host}:${port}`, '--quiet', '--keep-alive'];
  if (tls) args.push('--cert', tls.cert, '--key', tls.key);
  args.push('posix', '--sidecar', metadata);
  if (versioning) args.push('--versioning-dir', versions);
  args.push(root);
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
  });
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const log = openSync(logFile, 'a');
    child = spawn(binary, args, {
      stdio: ['ignore', log, log],
      env: plainEnv({ ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY }),
    });
    closeSync(log);
    guardProcess(child);
    await waitForAnswer(url, logFile);
  }

  async function kill(): Promise<void> {
    if (child) await endProcess(child, 'SIGKILL');
  }

  async function keys(): Promise<string[]> {
    const found: string[] = [];
    for await (const page of paginateListObjectsV2({ client }, { Bucket: BUCKET })) {
      found.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
    }
    return found.toSorted();
  }

  async function unfinished() {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
    return Uploads;
  }

  async function clear(): Promise<void> {
    for (const Key of await keys()) await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
    for (const { Key, UploadId } of await unfinished()) {
      await client.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId }));
    }
  }

  async function remove(): Promise<void> {
    client.destroy();
    await kill();
    await scratch[Symbol.asyncDispose]();
  }

  try {
    await start();
    if (!tls)
      await client.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: objectLock }));
    else await mkdir(join(root, BUCKET));
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    url,
    bucket: BUCKET,
    client,
    get pid() {
      return child && child.exitCode === null && child.signalCode === null ? child.pid : undefined;
    },
    env: (at = url) => awsEnv(at),
    keys,
    uploads: async () => (await unfinished()).map(({ Key = '' }) => Key).toSorted(),
    clear,
    start,
    kill,
    [Symbol.asyncDispose]: remove,
  };
}

/** The `AWS_*` variables of a job that finds its S3 server at that URL. */
export function awsEnv(url: string, extra: Record<string, string> = {}): Record<string, string> {
  return {
    ...ALONE,
    AWS_ENDPOINT_URL_S3: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    ...extra,
  };
}

/** Gives this process the variables until the scope ends: the SDK reads them where a store is used in the test itself. */
export function withEnv(env: Record<string, string | undefined>): Disposable {
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  setEnv(env);
  return { [Symbol.dispose]: () => setEnv(before) };
}

function setEnv(env: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

async function waitForAnswer(url: string, logFile: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (await accepts(hostname, Number(port))) return;
    await sleep(POLL_MS);
  }
  throw new Error(`the S3 server did not come up\n${await readFile(logFile, 'utf8')}`);
}

async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // not listening yet
  } finally {
    socket.destroy();
  }
}
