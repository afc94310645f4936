import { abortable } from '../util/abortable.ts';
import type { CatalogEntry } from '../backup/catalog.ts';
import type { Manifest } from '../backup/manifest.ts';
import { TRAILER_BYTES } from '../backup/proof.ts';
import { readManifest, recover } from '../backup/recover.ts';
import { loadRecoverySettings, type RecoverySettings } from '../config/config.ts';
import { Failure, messageOf } from '../errors.ts';
import type { CommandContext } from './context.ts';
import type { InvocationOf } from './arguments.ts';
import { type Receipt } from './fetch-receipt.ts';
import { type OpenRepository, openRepository, pick } from './repository.ts';
import { checkRoom, checkTarget, openTarget, type Target } from './fetch-target.ts';
import { tellProgress } from './progress.ts';
import { json, sizeText, table } from '../util/format.ts';

/** The file system's own needs for one more file. */
const MARGIN_BYTES = 2 ** 16;

/** Writes a backup as `etcdctl snapshot save` would have. @returns the exit code */
export async function fetchBackup(
  call: InvocationOf<'fetch'>,
  surroundings: CommandContext,
): Promise<number> {
  const { env, print, note, signal } = surroundings;
  const startedAt = new Date();
  const settings = loadRecoverySettings(env);
  for (const path of [call.file, call.receipt]) if (path !== undefined) await checkTarget(path);
  const repository = await openRepository(settings, signal);
  const entry = pick(repository, call.which, note);
  const manifest = await abortable(manifestOf(repository, entry), signal);
  for (const problem of manifest.problems) note(`when it was taken the cluster was not well: ${problem}\n`);
  await checkRoom(call.file, manifest.raw.size + TRAILER_BYTES + MARGIN_BYTES);
  const receipt = await write(call, { repository, manifest, settings, startedAt, surroundings });
  print(call.json ? json(receipt) : table(rowsOf(receipt)));
  return 0;
}

interface Task {
  repository: OpenRepository;
  manifest: Manifest;
  settings: RecoverySettings;
  startedAt: Date;
  surroundings: CommandContext;
}

async function manifestOf(repository: OpenRepository, entry: CatalogEntry): Promise<Manifest> {
  try {
    return await readManifest(repository, entry);
  } catch (error) {
    throw unusable(entry.name, error);
  }
}

/** Both files, or neither. */
async function write({ file, receipt: receiptFile }: InvocationOf<'fetch'>, task: Task): Promise<Receipt> {
  const { surroundings, repository, manifest, startedAt } = task;
  const opened: Target[] = [];
  try {
    const target = await openTarget(file);
    opened.push(target);
    await fill(target, task);
    await target.flush();
    const receipt: Receipt = {
      file: target.path,
      store: repository.store.location,
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      manifest,
    };
    if (receiptFile !== undefined) {
      const beside = await openTarget(receiptFile);
      opened.push(beside);
      await beside.write(Buffer.from(json(receipt)));
      await beside.flush();
    }
    surroundings.signal.throwIfAborted();
    for (const one of opened) await one.publish();
    return receipt;
  } catch (error) {
    for (const end of await Promise.allSettled(opened.map((one) => one.discard()))) {
      if (end.status === 'rejected') surroundings.note(`not removed: ${messageOf(end.reason)}\n`);
    }
    throw error;
  }
}

/** Proves what it writes; the file has no name yet. */
async function fill(target: Target, { repository, manifest, settings, surroundings }: Task): Promise<void> {
  const sink = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    let writing = Promise.resolve();
    for await (const chunk of chunks) {
      // One piece is written while the next one is decoded.
      await writing;
      writing = target.write(chunk);
      writing.catch(() => undefined); // thrown by the await that follows
    }
    await writing;
  };
  try {
    await recover({
      store: repository.store,
      manifest,
      identities: settings.identities,
      signal: surroundings.signal,
      onRead: tellProgress(manifest, surroundings),
      sink,
    });
  } catch (error) {
    throw target.failure() ?? unusable(manifest.name, error);
  }
}

/** Says which backup it was; what is no failure of the store comes back as it is. */
function unusable(name: string, error: unknown): unknown {
  if (!(error instanceof Failure) || error.kind !== 'backup') return error;
  const message = `the backup ${name} cannot be used, so nothing was written: ${error.message}`;
  return new Failure('backup', message, { cause: error });
}

function rowsOf({ file, store, startedAt, finishedAt, manifest }: Receipt): string[][] {
  const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  return [
    ['FILE', file],
    ['SIZE', sizeText(manifest.raw.size + TRAILER_BYTES)],
    ['BACKUP', `${store}/${manifest.name}`],
    ['CLUSTER', `${manifest.cluster.name} (${manifest.cluster.id})`],
    ['REVISION', `${manifest.revision}, ${manifest.keys} keys`],
    ['TAKEN', `${manifest.startedAt} from ${manifest.member.name}, etcd ${manifest.etcdVersion}`],
    ['TOOK', `${seconds.toFixed(1)} s`],
  ];
}
