import { copyFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { lazyBuiltins } from './builtins.ts';
import { copyNative, copyPapers, packagesIn } from './packages.ts';
import { precompiledProtos } from './protos.ts';

const ROOT = dirname(import.meta.dirname);

/** Native code, which no bundler takes in: the package itself comes along. */
const NATIVE = '@node-rs/crc32';

/** What CommonJS has without asking, and what is bundled asks for. */
const BANNER = `const require = process.getBuiltinModule('module').createRequire(import.meta.url);
const { dirname: __dirname, filename: __filename } = import.meta;`;

/**
 * Writes into `folder` all that runs: `lib/main.js` with its chunks, native code, and of each package that is in them
 * its name, version and licence. What was in `folder` before is removed.
 */
export async function bundle(folder: string): Promise<Metafile> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/main.ts'],
    outdir: join(folder, 'lib'),
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: [NATIVE],
    banner: { js: BANNER },
    plugins: [lazyBuiltins(ROOT), precompiledProtos(ROOT)],
    metafile: true,
    logLevel: 'warning',
  });
  for (const name of ['package.json', 'LICENSE']) await copyFile(join(ROOT, name), join(folder, name));
  await copyPapers(packagesIn(metafile), ROOT, folder);
  await copyNative(NATIVE, ROOT, folder);
  return metafile;
}

if (import.meta.main) await bundle(resolve(process.argv[2] ?? join(ROOT, 'dist')));
