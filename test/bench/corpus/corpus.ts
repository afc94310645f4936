import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY } from '../../support/repository.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { KUBERNETES_VERSION } from '../../support/tool-list.ts';
import { type Corpus, makeCorpus } from './make.ts';

const CACHE = join(REPOSITORY, '.cache/corpus');
const SOURCES = import.meta.dirname;

/** A snapshot that is made once, and anew when what makes it has changed. */
export async function corpusFile(corpus: Corpus, say: (text: string) => void): Promise<string> {
  const name = `${corpus}-${await hashOfSources()}.db`;
  const file = join(CACHE, name);
  if (await exists(file)) return file;
  await mkdir(CACHE, { recursive: true });
  await using folder = await scratchFolder('corpus', CACHE);
  const whole = join(folder.path, name);
  say(`Making the corpus ${corpus}, once: some minutes`);
  const began = performance.now();
  const writes = await makeCorpus(corpus, whole, folder.path);
  say(`${corpus}: ${writes} writes in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  await rename(whole, file);
  for (const other of await readdir(CACHE))
    if (other.startsWith(`${corpus}-`) && other !== name) await rm(join(CACHE, other));
  return file;
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256').update(KUBERNETES_VERSION);
  const files = await readdir(SOURCES, { recursive: true });
  for (const file of files.filter((path) => /(?<!\.test)\.ts$/.test(path)).toSorted())
    hash.update(`${file}\0`).update(await readFile(join(SOURCES, file)));
  return hash.digest('hex').slice(0, 12);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
