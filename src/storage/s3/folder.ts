import { getCACertificates } from 'node:tls';
import { S3Client } from '@aws-sdk/client-s3';
import type { S3ObjectSettings, S3StoreConfig } from '../../config/config.ts';
import { boundAnswers } from '../../util/bounded-answers.ts';
import { agentsThrough } from '../../util/proxies.ts';
import { plainName } from '../names.ts';
import { explainAround } from './access.ts';
import { checkingAnswers } from './answer.ts';

/** A part of a bucket, with the client that asks for it and what ends its requests. */
export interface Folder {
  readonly client: S3Client;
  readonly bucket: string;
  /** Ends with a slash, so that the cluster `a` never sees what belongs to `ab`; empty for the whole bucket. */
  readonly prefix: string;
  readonly settings: S3ObjectSettings;
  /** Ends every request. */
  readonly signal: AbortSignal;
  /** How long a request may take, all tries together, until it is answered; in milliseconds. */
  readonly requestTimeoutMs: number;
}

/**
 * How often one request is sent at most. The pauses double from 50 ms on and are random below that, so all tries
 * together wait 6 s on average and 13 s at most: a server that is being restarted costs no backup.
 */
const MAX_ATTEMPTS = 9;
const CONNECT_TIMEOUT_MS = 10_000;
/** Without a byte in either direction. Some servers put a large object together without a word meanwhile. */
const SILENCE_TIMEOUT_MS = 120_000;
/** Of one request with all its tries. S3 may need minutes for the end of a large upload, and says spaces meanwhile. */
export const REQUEST_TIMEOUT_MS = 600_000;

/** What the SDK's own agents have. */
const AGENT = { keepAlive: true, maxSockets: 50 };

/**
 * Credentials and endpoint come from the SDK's own chain: variables, files, web identity, instance. STS is asked by the
 * same agents; what is asked of this machine (the instance's metadata, an agent in the pod) never goes through them.
 */
export function openClient({ forcePathStyle, access }: S3StoreConfig): S3Client {
  boundAnswers(); // those of whoever gives credentials, too
  const client = new S3Client({
    forcePathStyle,
    ...(access?.region !== undefined && { region: access.region }),
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      ...agentsThrough(access?.proxies, AGENT, trusted(access?.ca)),
    },
    // With it the SDK opens a new connection for every part. `prepare` has found out already who may write.
    expectContinueHeader: false,
    // What is read is compared with SHA-256 of what was written; a second checksum of the same bytes adds nothing.
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  explainAround(client, access);
  return checkingAnswers(client);
}

/** As the AWS command has it: the bundle takes the place of the public roots. What Node itself is told to add stays. */
const trusted = (bundle: string | undefined): string[] | undefined =>
  bundle === undefined ? undefined : [bundle, ...getCACertificates('extra')];

/** The same folder, whose requests end with another signal, and not with its own. */
export const endingWith = (signal: AbortSignal, folder: Folder): Folder => ({ ...folder, signal });

/** What a request is about. Without a name it would be about the folder, or the bucket, and may be one that deletes. */
export function objectOf({ bucket, prefix }: Folder, name: string): { Bucket: string; Key: string } {
  return { Bucket: bucket, Key: `${prefix}${plainName(name)}` };
}

/** `s3://bucket/prefix/cluster/name`, for a person. */
export function urlOf({ bucket, prefix }: Folder, name = ''): string {
  return `s3://${bucket}/${prefix}${name}`;
}
