import type { Manifest } from '../backup/manifest.ts';
import { TRAILER_BYTES } from '../backup/proof.ts';
import { readBackup } from '../backup/read.ts';
import { STRUCTURE_NOT_CHECKED } from '../backup/structure.ts';
import { loadRecoverySettings, type RecoverySettings } from '../config/config.ts';
import { writeChunks } from '../backup/write.ts';
import { messageOf } from '../errors.ts';
import type { CommandContext } from './context.ts';
import type { InvocationOf } from './arguments.ts';
import type { Receipt } from './fetch-receipt.ts';
import { type ListedRepository, manifestOf, openRepository, pickBackup, unusable } from './repository.ts';
import { checkRoom, checkTarget, openTarget, type Target } from './fetch-target.ts';
import { printProgress } from './progress.ts';
import { formatBytes, formatSeconds } from '../util/format.ts';
import { clockFrom } from '../util/time.ts';
import { formatJson, formatTable, textOf } from './output.ts';

/** The file system's own needs for one more file. */
const MARGIN_BYTES = 2 ** 16;

const NOTHING_WRITTEN = ', so nothing was written';

/** Writes a backup as `etcdctl snapshot save` would have. @returns the exit code */
export async function fetchBackup(
  invocation: InvocationOf<'fetch'>,
  context: CommandContext,
): Promise<number> {
  const { env, print, note, signal } = context;
  const startedAt = new Date();
  const clock = clockFrom(startedAt);
  const settings = loadRecoverySettings(env);
  for (const path of [invocation.file, invocation.receipt]) if (path !== undefined) await checkTarget(path);
  const repository = await openRepository(settings, signal);
  const entry = await pickBackup(repository, invocation.which, note);
  const manifest = await manifestOf(repository, entry, NOTHING_WRITTEN);
  for (const problem of manifest.problems) note(`when it was taken the cluster was not well: ${problem}\n`);
  await checkRoom(invocation.file, manifest.raw.size + TRAILER_BYTES + MARGIN_BYTES);
  const receipt = await write(invocation, {
    repository,
    manifest,
    settings,
    startedAt,
    clock,
    context,
  });
  print(invocation.json ? formatJson(receipt) : formatTable(rowsOf(receipt)));
  return 0;
}

interface Task {
  repository: ListedRepository;
  manifest: Manifest;
  settings: RecoverySettings;
  startedAt: Date;
  clock: () => Date;
  context: CommandContext;
}

/** Both files, or neither. */
async function write({ file, receipt: receiptFile }: InvocationOf<'fetch'>, task: Task): Promise<Receipt> {
  const { context, repository, manifest, startedAt, clock } = task;
  const opened: Target[] = [];
  try {
    const target = await openTarget(file, context.signal);
    opened.push(target);
    await fill(target, task);
    await target.flush();
    const receipt: Receipt = {
      file: target.path,
      store: repository.store.location,
      startedAt: startedAt.toISOString(),
      finishedAt: clock().toISOString(),
      manifest,
    };
    if (receiptFile !== undefined) {
      const beside = await openTarget(receiptFile, context.signal);
      opened.push(beside);
      await beside.write(Buffer.from(textOf(receipt)));
      await beside.flush();
    }
    context.signal.throwIfAborted();
    for (const one of opened) await one.publish();
    return receipt;
  } catch (error) {
    for (const end of await Promise.allSettled(opened.map((one) => one.discard()))) {
      if (end.status === 'rejected') context.note(`not removed: ${messageOf(end.reason)}\n`);
    }
    throw error;
  }
}

/** Proves what it writes; the file has no name yet. */
async function fill(target: Target, { repository, manifest, settings, context }: Task): Promise<void> {
  try {
    const { identities, checkStructure } = settings;
    const structure = await readBackup({
      store: repository.store,
      manifest,
      identities,
      checkStructure,
      signal: context.signal,
      onRead: printProgress(manifest.name, manifest.stored.size, context),
      sink: (chunks) => writeChunks(chunks, (bytes) => target.write(bytes)),
    });
    if (checkStructure && structure === undefined)
      context.note(`${manifest.name}: ${STRUCTURE_NOT_CHECKED}\n`);
  } catch (error) {
    throw target.failure() ?? unusable(manifest.name, error, NOTHING_WRITTEN);
  }
}

function rowsOf({ file, store, startedAt, finishedAt, manifest }: Receipt): string[][] {
  const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  return [
    ['FILE', file],
    ['SIZE', formatBytes(manifest.raw.size + TRAILER_BYTES)],
    ['BACKUP', `${store}/${manifest.name}`],
    ['CLUSTER', `${manifest.cluster.name} (${manifest.cluster.id})`],
    ['REVISION', `${manifest.revision}, ${manifest.keys} keys`],
    ['TAKEN', `${manifest.startedAt} from ${manifest.member.name}, etcd ${manifest.etcdVersion}`],
    ['TOOK', formatSeconds(seconds)],
  ];
}
