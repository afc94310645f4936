import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
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
  // Opening a pipe would else wait for whoever writes into it.
  const descriptor = attempt(path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    // Of what was opened: the name may lead elsewhere by now.
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) throw new Error('should be a file, but is a folder');
    // Reading a pipe or a device could last for ever.
    if (!stats.isFile()) throw new Error(notRegular);
    const bytes = attempt(path, () => readUpTo(descriptor, largestBytes + 1));
    if (bytes.length > largestBytes) throw new Error(`should be ${kind}, but ${tooMany(stats)}`);
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

const notRegular = 'should be a regular file';

const tooMany = ({ size }: Stats): string =>
  size > largestBytes ? `has ${size} bytes` : `has more than ${largestBytes} bytes`;

/** A file may have grown since its size was told, and in /proc every size is 0. */
function readUpTo(descriptor: number, most: number): Buffer {
  const pieces: Buffer[] = [];
  let length = 0;
  while (length < most) {
    const piece = Buffer.alloc(Math.min(2 ** 16, most - length));
    const count = readSync(descriptor, piece);
    if (count === 0) break;
    pieces.push(piece.subarray(0, count));
    length += count;
  }
  return Buffer.concat(pieces);
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(reasonOf(path, error), { cause: error });
  }
}

function reasonOf(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'should be a file, but there is none with this path';
  if (code === 'ENOTDIR') return 'should be a file, but a part of its path is not a folder';
  // A socket cannot be opened.
  if (code === 'ENXIO') return notRegular;
  if (code !== 'EACCES') return `cannot be read (${typeof code === 'string' ? code : messageOf(error)})`;
  const stats = lookAt(path);
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

/** Only to tell why it could not be opened. */
function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
