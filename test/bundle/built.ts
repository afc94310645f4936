import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { bundle } from '../../build/bundle.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

/** What the image has in /app, somewhere else. */
export interface Built extends AsyncDisposable {
  folder: string;
  main: string;
  metafile: Metafile;
}

export async function builtBundle(): Promise<Built> {
  const scratch = await scratchFolder('bundle');
  const folder = join(scratch.path, 'app');
  const metafile = await bundle(folder);
  return {
    folder,
    main: join(folder, 'lib/main.js'),
    metafile,
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}
