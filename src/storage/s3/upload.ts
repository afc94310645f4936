import { PutObjectCommand } from '@aws-sdk/client-s3';
import { abortable, pause } from '../../util/abortable.ts';
import { NOTHING_CHANGED } from '../file/errors.ts';
import type { PendingFile } from '../store.ts';
import { readObject } from './download.ts';
import { attempt } from './errors.ts';
import { requestOn, type Folder, objectOf } from './folder.ts';
import { beginMultipart, type Multipart } from './multipart.ts';
import { publicationOf } from './publication.ts';
import { objectSettings } from './settings.ts';

/** The least that S3 takes for a part that is not the last; 10,000 of them are 48 GiB. */
const PART_BYTES = 5 * 2 ** 20;
/** One that is being filled, the others on their way: these buffers are all the memory that an upload takes. */
const SLOTS = 4;
const BEGIN_TIMEOUT_MS = 60_000;
const DISCARD_TIMEOUT_MS = 30_000;
/** How long parts that are on their way may take when nobody needs them any more. */
const PARTS_MS = 1_000;

interface Slot {
  readonly buffer: Buffer;
  /** Resolves when the buffer may be filled again. */
  sent: Promise<void>;
}

/**
 * Uploads while it is written to: in parts, or in one piece if it all fits into one part. `flush` makes the object
 * visible under its name, so it must come only when the content is proved. `discard` takes it away again, and ends what
 * is on its way. `signal` ends everything but `discard`.
 */
export function createUpload(folder: Folder, name: string, signal?: AbortSignal): PendingFile {
  const ending = new AbortController();
  const live = AbortSignal.any(signal === undefined ? [ending.signal] : [ending.signal, signal]);
  const publication = publicationOf(folder, name);
  const slots: Slot[] = [];
  let multipart: Promise<Multipart> | undefined;
  let turn = 0;
  let filled = 0;
  let flushed = false;

  function current(): Slot {
    return (slots[turn % SLOTS] ??= { buffer: Buffer.allocUnsafeSlow(PART_BYTES), sent: Promise.resolve() });
  }

  async function write(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.byteLength; ) {
      // Not as soon as it is full: if nothing follows it is the last, and maybe the only one.
      if (filled === PART_BYTES) await sendPart();
      const piece = chunk.subarray(done, done + PART_BYTES - filled);
      current().buffer.set(piece, filled);
      filled += piece.byteLength;
      done += piece.byteLength;
    }
  }

  async function sendPart(): Promise<void> {
    const slot = current();
    const upload = await abortable(begun(), live);
    slot.sent = upload.send(slot.buffer.subarray(0, filled), ending.signal);
    slot.sent.catch(() => undefined); // thrown when the slot's turn comes again, or by `flush`
    turn += 1;
    filled = 0;
    await abortable(current().sent, live);
  }

  /** Not ended by the run's signal: the server would keep an upload whose ID nobody knows. */
  function begun(): Promise<Multipart> {
    multipart ??= beginMultipart(folder, name, publication.metadata, AbortSignal.timeout(BEGIN_TIMEOUT_MS));
    return multipart;
  }

  async function flush(): Promise<void> {
    if (flushed) return;
    if (multipart === undefined) {
      await publication.publish(putWhole, live);
    } else {
      if (filled > 0) await sendPart();
      await abortable(Promise.all(slots.map(({ sent }) => sent)), live);
      const upload = await multipart;
      await publication.publish((condition) => upload.complete(condition, live), live);
    }
    flushed = true;
    slots.length = 0;
  }

  async function putWhole(condition: { IfNoneMatch?: '*' }): Promise<void> {
    const command = new PutObjectCommand({
      ...objectOf(folder, name),
      ...objectSettings(folder.settings, Date.now()),
      ...condition,
      Metadata: { ...publication.metadata },
      Body: current().buffer.subarray(0, filled),
    });
    const asked = { ...requestOn(folder, name, 'write', 's3:PutObject'), consequence: NOTHING_CHANGED };
    await attempt(asked, () => folder.client.send(command, { abortSignal: live }), live);
  }

  async function discard(): Promise<void> {
    const cut = await endParts();
    const late = AbortSignal.timeout(DISCARD_TIMEOUT_MS);
    const ends = await Promise.allSettled([
      flushed ? undefined : endUpload(cut, late),
      publication.withdraw(late),
    ]);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Waits a moment for the parts that are on their way; whether some had to be cut off. */
  async function endParts(): Promise<boolean> {
    const timer = setTimeout(() => ending.abort(), PARTS_MS);
    await Promise.allSettled(slots.map(({ sent }) => sent));
    clearTimeout(timer);
    const cut = ending.signal.aborted;
    ending.abort();
    return cut;
  }

  /** A server that is still taking a part in when the upload is ended may bring the upload back: hence twice then. */
  async function endUpload(cut: boolean, late: AbortSignal): Promise<void> {
    const upload = await multipart?.catch(() => undefined); // it never began
    await upload?.abort(late);
    if (!cut) return;
    await pause(PARTS_MS, late);
    await upload?.abort(late);
  }

  return {
    write,
    flush,
    read: () => readObject(folder, name, { signal: live, consequence: NOTHING_CHANGED }),
    publish: flush,
    discard,
  };
}
