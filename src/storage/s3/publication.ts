import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { isStoreError, StoreError } from '../errors.ts';
import { endingWith, type Folder, objectOf, urlOf } from './folder.ts';
import { attempt, requestOn } from './request.ts';
import { removalRefused } from './retention.ts';

/** An object's metadata says which upload made it: whoever did not make it must not take it away. */
const MARK = 'etcd-upkeep-upload';

/** That there is no object of that name yet; empty for servers that know no conditions. */
export interface Condition {
  readonly IfNoneMatch?: '*';
}

/** An object that is to appear once, under a name that nobody else has. */
export class Publication {
  readonly #folder: Folder;
  readonly #name: string;
  readonly #id = randomUUID();
  #tried = false;

  constructor(folder: Folder, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /** Goes into the object's metadata. */
  get metadata(): Readonly<Record<string, string>> {
    return { [MARK]: this.#id };
  }

  /**
   * Makes it visible by a request that gets the condition. An answer that was lost on its way is no failure.
   * @throws StoreError `taken` when the name is taken
   */
  async publish(send: (condition: Condition) => Promise<unknown>): Promise<void> {
    // Some servers take the condition and do not know what it means.
    if ((await markOf(this.#folder, this.#name)) !== undefined) throw taken(this.#folder, this.#name);
    this.#tried = true;
    try {
      await sendOnce(send);
    } catch (error) {
      this.#folder.signal.throwIfAborted();
      // The answer to the first try was lost, and the second found the name taken or the upload gone.
      if ((await markOf(this.#folder, this.#name)) !== this.#id) throw error;
    }
  }

  /** Removes what `publish` has made visible, also where it failed; nothing else of that name. */
  async withdraw(signal: AbortSignal): Promise<void> {
    const folder = endingWith(signal, this.#folder);
    if (!this.#tried || (await markOf(folder, this.#name)) !== this.#id) return;
    await removeObject(folder, this.#name);
  }
}

async function sendOnce(send: (condition: Condition) => Promise<unknown>): Promise<void> {
  try {
    await send({ IfNoneMatch: '*' });
  } catch (error) {
    // Then the look at the name just before has to do.
    if (!isStoreError(error, 'not-implemented')) throw error;
    await send({});
  }
}

/** What the object of that name says about its making, empty where it says nothing; undefined where there is none. */
async function markOf(folder: Folder, name: string): Promise<string | undefined> {
  const request = requestOn(folder, name, 'look at', 's3:GetObject');
  const command = new HeadObjectCommand(objectOf(folder, name));
  try {
    const { Metadata } = await attempt(folder, request, (options) => folder.client.send(command, options));
    return Metadata?.[MARK] ?? '';
  } catch (error) {
    if (isStoreError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** No failure where there is none. @throws RetainedError where the bucket keeps it */
export async function removeObject(folder: Folder, name: string): Promise<void> {
  const command = new DeleteObjectCommand(objectOf(folder, name));
  const request = requestOn(folder, name, 'remove', 's3:DeleteObject');
  try {
    await attempt(folder, request, (options) => folder.client.send(command, options));
  } catch (error) {
    folder.signal.throwIfAborted();
    throw await removalRefused(folder, name, error);
  }
}

function taken(folder: Folder, name: string): StoreError {
  return new StoreError(
    'taken',
    `could not publish ${urlOf(folder, name)}: the name is taken`,
    'nothing is overwritten',
  );
}
