import type { Decoding, Encoding } from '../../backup/codec.ts';
import { formatManifest } from '../../backup/manifest.ts';
import { manifestName } from '../../backup/names.ts';
import { proveStored, type VerifiedBackup, WrongSnapshot } from '../../backup/proof.ts';
import { checkSpace, judgeAnnouncement, writeSnapshot } from '../../backup/write.ts';
import { messageOf } from '../../errors.ts';
import { statusOnce } from '../../etcd/client/status.ts';
import { identityOf } from '../../etcd/cluster/discover.ts';
import { openSnapshot, type SnapshotStream } from '../../etcd/snapshot/snapshot.ts';
import { otherThan } from '../../etcd/types.ts';
import type { PendingFile } from '../../storage/store.ts';
import { abortable } from '../../util/abortable.ts';
import type { LentBuffer } from '../../util/lent.ts';
import { progress } from '../../util/progress.ts';
import { lookInside } from './inside.ts';
import { manifestOf, nameOf, readOrigin } from './origin.ts';
import type { Task, Times } from './types.ts';

export type Taken = Times & { backup: VerifiedBackup };

/**
 * Streams the snapshot of one member into the store, reads it back, and only then gives it its name and, last, its
 * manifest. Nothing of it is left after a failure.
 */
export async function takeBackup(task: Task): Promise<Taken> {
  const { client, connection, member, store, log, signal } = task;
  const origin = await abortable(readOrigin(task), signal);
  const encoding = await encodingOf(task);
  const name = nameOf(origin, encoding);
  const began = performance.now();
  const snapshot = await openSnapshot(connection, identityOf(client, member), signal);
  const { announcedBytes } = snapshot;
  const inside = lookInside(task, origin);
  let pending: PendingFile | undefined;
  try {
    await checkAnnouncement(task, snapshot);
    await checkSpace(store, announcedBytes);
    pending = await store.create(name);
    const onRead = progress(announcedBytes, (fields) => log.info(fields, 'backup progress'));
    const see = (piece: LentBuffer): void => {
      onRead(piece.length);
      inside.see(piece);
    };
    const written = await writeSnapshot(snapshot.chunks, encoding, pending, { announcedBytes, signal, see });
    inside.judge();
    await pending.flush();
    const streamed = performance.now();
    const { raw } = written;
    const sizes = { bytes: raw.size, storedBytes: written.stored.size };
    log.info({ backup: name, ...sizes }, 'backup written, reading it back');
    const { proof, stored } = await proveStored(pending, { ...encoding, ...written }, signal, (piece) =>
      inside.seeAgain(piece),
    );
    const proved = performance.now();
    const manifest = manifestOf(task, name, origin, { raw, stored, ...inside.found() });
    signal.throwIfAborted();
    await pending.publish();
    await store.writeText(manifestName(name), formatManifest(manifest));
    return {
      backup: { kind: 'verified', proof, manifest },
      streamSeconds: (streamed - began) / 1000,
      readBackSeconds: (proved - streamed) / 1000,
    };
  } catch (error) {
    await discard(task, pending);
    throw error;
  } finally {
    snapshot.close();
  }
}

/** Loaded only when used: age's libraries take about as long to load as all the rest of this program. */
async function encodingOf({ config }: Task): Promise<Encoding & Decoding> {
  const { compression, recipients } = config.backup;
  if (recipients.length === 0) return { compression };
  const { encryptFor } = await import('../../backup/encryption/age.ts');
  return { compression, ...(await encryptFor(recipients)) };
}

/** @throws WrongSnapshot where what was announced cannot be the database that the member says it has */
async function checkAnnouncement(task: Task, { announcedBytes, status }: SnapshotStream): Promise<void> {
  const judgement = judgeAnnouncement(announcedBytes, status.dbSize);
  if (judgement === 'fits' || (judgement === 'too-small' && (await hasShrunk(task, status.dbSize)))) return;
  throw new WrongSnapshot(
    `the snapshot is announced with ${announcedBytes} bytes, and right before that the member told of a database of ` +
      `${status.dbSize}`,
  );
}

/** Whether somebody has defragmented the member since it told of that size: nothing else makes a database smaller. */
async function hasShrunk({ client, connection, member, signal }: Task, dbSize: number): Promise<boolean> {
  const now = await abortable(statusOnce(connection), signal);
  return otherThan(identityOf(client, member), now) === undefined && now.dbSize < dbSize;
}

/** The failure that led here is the one to tell; this one only leaves a temporary file for a later run to remove. */
async function discard({ log }: Task, pending: PendingFile | undefined): Promise<void> {
  try {
    await pending?.discard();
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'temporary file not removed, a later run will');
  }
}
