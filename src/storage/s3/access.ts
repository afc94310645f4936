import type { S3Client } from '@aws-sdk/client-s3';
import type { S3StoreConfig } from '../../config/config.ts';
import { Failure } from '../../errors.ts';
import { hidingOf } from '../../util/hide.ts';
import { inTime } from '../../util/in-time.ts';
import { proxyFault } from '../../util/proxies.ts';
import { credentialsLate, toCredentialsFailure } from './credentials.ts';
import { ProxyFault } from './sdk-error.ts';

type Access = S3StoreConfig['access'];

/** With all tries. Of a request to the bucket itself it is a tenth. */
const CREDENTIALS_MS = 60_000;

/**
 * Puts itself around every request of a client, outside of the SDK's own retries. Region and credentials are asked for
 * before anything is sent, so that what is wrong with them is not told as the bucket's; afterwards the SDK has them at
 * hand. What a proxy did is marked as such: of the error itself only its address tells.
 */
export function explainAround(client: S3Client, access: Access): void {
  const { config } = client;
  client.middlewareStack.add(
    (next) => async (args) => {
      await regionKnown(() => config.region());
      const credentials = await credentialsKnown(() => config.credentials(), access);
      try {
        return await next(args);
      } catch (error) {
        const fault = proxyFault(error, access?.proxies);
        throw fault === undefined
          ? withoutSecrets(error, credentials)
          : new ProxyFault(fault, { cause: error });
      }
    },
    { step: 'initialize', priority: 'high', name: 'explainAround' },
  );
}

async function regionKnown(resolve: () => Promise<string>): Promise<void> {
  try {
    await resolve();
  } catch (error) {
    throw new Failure(
      'configuration',
      'no region is set for the bucket, so nothing was asked of it: set AWS_REGION (or AWS_DEFAULT_REGION); servers ' +
        'other than AWS mostly take us-east-1',
      { cause: error },
    );
  }
}

async function credentialsKnown<T>(resolve: () => Promise<T>, access: Access): Promise<T> {
  try {
    return await inTime(CREDENTIALS_MS, () => credentialsLate(CREDENTIALS_MS), resolve);
  } catch (error) {
    throw toCredentialsFailure(error, access);
  }
}

interface Secrets {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** What the server said, without the credentials that it says again: those of a file or a role nobody else here knows. */
function withoutSecrets(error: unknown, { accessKeyId, secretAccessKey, sessionToken }: Secrets): unknown {
  if (!(error instanceof Error)) return error;
  const { text } = hidingOf([accessKeyId, secretAccessKey, sessionToken ?? '']);
  // In place: by its class and its fields others tell what it is. One of the platform's own takes no other message.
  for (const field of ['message', 'name'] as const) {
    const told = text(error[field]);
    if (told !== error[field]) error[field] = told;
  }
  return error;
}
