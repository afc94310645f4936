import type { Image } from './build.ts';
import { runContainer } from './container.ts';

export interface ImageFile {
  path: string;
  uid: number;
  gid: number;
  /** As `lstat` tells it: type and permissions. */
  mode: number;
}

/** They are the container's, not the image's. */
const MOUNTED = ['/dev', '/proc', '/sys'];

const SCRIPT = `
  const { lstatSync, readdirSync } = require('node:fs');
  const { join } = require('node:path');
  const below = (folder) => readdirSync(folder, { recursive: true }).map((entry) => join(folder, entry));
  const top = readdirSync('/').map((name) => '/' + name);
  const inside = top.filter((path) => !${JSON.stringify(MOUNTED)}.includes(path) && lstatSync(path).isDirectory()).flatMap(below);
  const files = [...top, ...inside].map((path) => {
    const { uid, gid, mode } = lstatSync(path);
    return { path, uid, gid, mode };
  });
  console.log(JSON.stringify(files));
`;

/** Lists the image's files from inside of it: the image's own Node is the only program that it takes. */
export async function filesOf(image: Image): Promise<ImageFile[]> {
  const { code, stdout, stderr } = await runContainer(image, { user: '0', program: ['node', '-e', SCRIPT] });
  if (code !== 0) throw new Error(`the image's files could not be listed: ${stderr}`);
  return JSON.parse(stdout);
}
