import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { NOTHING_CHANGED, refusal } from '../file/errors.ts';
import { attempt, isMissing, refusesConditions } from './errors.ts';
import { requestOn, type Folder, objectOf, optionsOf, urlOf } from './folder.ts';

/** An object's metadata says which upload made it: whoever did not make it must not take it away. */
const MARK = 'etcd-upkeep-upload';

/** An object that is to appear once, under a name that nobody else has. */
export interface Publication {
  /** Goes into the object's metadata. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Makes it visible by a request that gets the condition. Fails when the name is taken; an answer that was lost on
   * its way is no failure.
   */
  publish(send: (condition: { IfNoneMatch?: '*' }) => Promise<unknown>, signal: AbortSignal): Promise<void>;
  /** Removes what `publish` has made visible, also where it failed; nothing else of that name. */
  withdraw(signal: AbortSignal): Promise<void>;
}

export function publicationOf(folder: Folder, name: string): Publication {
  const id = randomUUID();
  let tried = false;

  async function publish(
    send: (condition: { IfNoneMatch?: '*' }) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    // Some servers take the condition and do not know what it means.
    if ((await markOf(folder, name, signal)) !== undefined) throw taken(folder, name);
    tried = true;
    try {
      await sendOnce(send);
    } catch (error) {
      signal.throwIfAborted();
      // The answer to the first try was lost, and the second found the name taken or the upload gone.
      if ((await markOf(folder, name, signal)) !== id) throw error;
    }
  }

  async function withdraw(signal: AbortSignal): Promise<void> {
    if (!tried || (await markOf(folder, name, signal)) !== id) return;
    await removeObject(folder, name, signal);
  }

  return { metadata: { [MARK]: id }, publish, withdraw };
}

async function sendOnce(send: (condition: { IfNoneMatch?: '*' }) => Promise<unknown>): Promise<void> {
  try {
    await send({ IfNoneMatch: '*' });
  } catch (error) {
    if (!refusesConditions(error)) throw error;
    await send({});
  }
}

/** What the object of that name says about its making, empty where it says nothing; undefined where there is none. */
async function markOf(folder: Folder, name: string, signal: AbortSignal): Promise<string | undefined> {
  const asked = { ...requestOn(folder, name, 'look at', 's3:GetObject'), consequence: NOTHING_CHANGED };
  const command = new HeadObjectCommand(objectOf(folder, name));
  try {
    const { Metadata } = await attempt(
      asked,
      () => folder.client.send(command, { abortSignal: signal }),
      signal,
    );
    return Metadata?.[MARK] ?? '';
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** No failure where there is none. */
export async function removeObject(folder: Folder, name: string, signal?: AbortSignal): Promise<void> {
  const command = new DeleteObjectCommand(objectOf(folder, name));
  await attempt(
    requestOn(folder, name, 'remove', 's3:DeleteObject'),
    () => folder.client.send(command, optionsOf(signal)),
    signal,
  );
}

function taken(folder: Folder, name: string) {
  return refusal(
    `could not publish ${urlOf(folder, name)}: the name is taken`,
    'nothing is overwritten',
    NOTHING_CHANGED,
  );
}
