import { readFileSync, type Stats, statSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import { isKeyMaterial } from './problems.ts';

/** Far more than a bundle of all public CAs; it keeps a wrong path from filling the memory. */
const largestBytes = 4 * 1024 * 1024;

/**
 * The bytes of a file that a variable names; `kind` is what it should be (`a PEM file`). Throws an Error whose message
 * goes on after the words "it ".
 */
export function readSmallFile(path: string, kind: string): Buffer {
  if (isKeyMaterial(path)) throw new Error(`should be the path of ${kind}, not its content`);
  const stats = attempt(() => statSync(path));
  if (stats.isDirectory()) throw new Error('should be a file, but is a folder');
  // Reading a pipe or a device could last for ever.
  if (!stats.isFile()) throw new Error('should be a regular file');
  if (stats.size > largestBytes) throw new Error(`should be ${kind}, but has ${stats.size} bytes`);
  return attempt(() => readFileSync(path), stats);
}

function attempt<T>(read: () => T, stats?: Stats): T {
  try {
    return read();
  } catch (error) {
    throw new Error(reasonOf(error, stats), { cause: error });
  }
}

function reasonOf(error: unknown, stats: Stats | undefined): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'should be a file, but there is none with this path';
  if (code === 'ENOTDIR') return 'should be a file, but a part of its path is not a folder';
  if (code !== 'EACCES') return `cannot be read (${typeof code === 'string' ? code : messageOf(error)})`;
  if (stats === undefined) {
    return (
      'cannot be reached: permission denied on a folder of its path; run as a user that may enter it ' +
      '(in the chart: podSecurityContext.runAsUser), or mount the file itself'
    );
  }
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
  return (
    `cannot be read: permission denied, the file has mode ${mode} and belongs to uid ${stats.uid}, ` +
    `gid ${stats.gid}; run as a user or group that may read it (in the chart: podSecurityContext.runAsUser and runAsGroup, 0 for root), ` +
    'or change its rights (owner, mode, SELinux label)'
  );
}
