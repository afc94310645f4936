import { PutObjectCommand } from '@aws-sdk/client-s3';
import { abortable, pause } from '../../util/abortable.ts';
import { bounded } from '../../util/bounded.ts';
import type { Chunks } from '../../util/lent.ts';
import { StoreError } from '../errors.ts';
import type { PendingFile } from '../store.ts';
import { readObject } from './download.ts';
import { endingWith, type Folder, objectOf, urlOf } from './folder.ts';
import { beginMultipart, type Multipart } from './multipart.ts';
import { type Condition, Publication } from './publication.ts';
import { attempt, writingOf } from './request.ts';
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
 * is on its way. The folder's signal ends everything but `discard`.
 */
export class Upload implements PendingFile {
  readonly #name: string;
  /** Ends the parts, which are to go on for a moment after the folder's own signal has come. */
  readonly #ending = new AbortController();
  /** Its signal is the folder's own, or `#ending`. */
  readonly #folder: Folder;
  readonly #publication: Publication;
  readonly #slots: Slot[] = [];
  #multipart: Promise<Multipart> | undefined;
  #turn = 0;
  #filled = 0;
  #written = 0;
  #flushed = false;

  constructor(folder: Folder, name: string) {
    this.#name = name;
    this.#folder = endingWith(AbortSignal.any([this.#ending.signal, folder.signal]), folder);
    this.#publication = new Publication(this.#folder, name);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#folder.signal.throwIfAborted();
    for (let done = 0; done < bytes.byteLength; ) {
      // Not as soon as it is full: if nothing follows it is the last, and maybe the only one.
      if (this.#filled === PART_BYTES) await this.#sendPart();
      const piece = bytes.subarray(done, done + PART_BYTES - this.#filled);
      this.#current().buffer.set(piece, this.#filled);
      this.#filled += piece.byteLength;
      this.#written += piece.byteLength;
      done += piece.byteLength;
    }
  }

  async flush(): Promise<void> {
    if (this.#flushed) return;
    const { signal } = this.#folder;
    if (this.#multipart === undefined) {
      await this.#publication.publish((condition) => this.#putWhole(condition));
    } else {
      if (this.#filled > 0) await this.#sendPart();
      await abortable(Promise.all(this.#slots.map(({ sent }) => sent)), signal);
      const upload = await this.#multipart;
      await this.#publication.publish((condition) => upload.complete(condition, signal));
    }
    this.#flushed = true;
    this.#slots.length = 0;
  }

  read(): Chunks {
    return bounded(readObject(this.#folder, this.#name), this.#written, () => this.#longer());
  }

  publish(): Promise<void> {
    return this.flush();
  }

  async discard(): Promise<void> {
    const cut = await this.#endParts();
    const late = AbortSignal.timeout(DISCARD_TIMEOUT_MS);
    const ends = await Promise.allSettled([
      this.#flushed ? undefined : this.#endUpload(cut, late),
      this.#publication.withdraw(late),
    ]);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #longer(): StoreError {
    return new StoreError(
      'damaged',
      `${urlOf(this.#folder, this.#name)} reads back longer than what was written`,
      'look at the server or the proxy in between: this store cannot be trusted',
    );
  }

  #current(): Slot {
    return (this.#slots[this.#turn % SLOTS] ??= {
      buffer: Buffer.allocUnsafeSlow(PART_BYTES),
      sent: Promise.resolve(),
    });
  }

  async #sendPart(): Promise<void> {
    const slot = this.#current();
    const upload = await abortable(this.#begun(), this.#folder.signal);
    slot.sent = upload.send(slot.buffer.subarray(0, this.#filled), this.#ending.signal);
    slot.sent.catch(() => undefined); // thrown when the slot's turn comes again, or by `flush`
    this.#turn += 1;
    this.#filled = 0;
    await abortable(this.#current().sent, this.#folder.signal);
  }

  /** Not ended by the folder's signal: the server would keep an upload whose ID nobody knows. */
  #begun(): Promise<Multipart> {
    this.#multipart ??= beginMultipart(
      endingWith(AbortSignal.timeout(BEGIN_TIMEOUT_MS), this.#folder),
      this.#name,
      this.#publication.metadata,
    );
    return this.#multipart;
  }

  async #putWhole(condition: Condition): Promise<void> {
    const command = new PutObjectCommand({
      ...objectOf(this.#folder, this.#name),
      ...objectSettings(this.#folder.settings, Date.now()),
      ...condition,
      Metadata: { ...this.#publication.metadata },
      Body: this.#current().buffer.subarray(0, this.#filled),
    });
    await attempt(this.#folder, writingOf(this.#folder, this.#name), (options) =>
      this.#folder.client.send(command, options),
    );
  }

  /** Waits a moment for the parts that are on their way; whether some had to be cut off. */
  async #endParts(): Promise<boolean> {
    const timer = setTimeout(() => this.#ending.abort(), PARTS_MS);
    await Promise.allSettled(this.#slots.map(({ sent }) => sent));
    clearTimeout(timer);
    const cut = this.#ending.signal.aborted;
    this.#ending.abort();
    return cut;
  }

  /** A server that is still taking a part in when the upload is ended may bring the upload back: hence twice then. */
  async #endUpload(cut: boolean, late: AbortSignal): Promise<void> {
    const upload = await this.#multipart?.catch(() => undefined); // it never began
    await upload?.abort(late);
    if (!cut) return;
    await pause(PARTS_MS, late);
    await upload?.abort(late);
  }
}
