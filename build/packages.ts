import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** What a package says about itself in a bundle. */
const PAPERS = /^(licen[cs]e|copying|copyright|notice|authors|patents)/i;

const PACKAGE = /^node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/;

/** The folders, as `node_modules/a/node_modules/b`, of the packages whose code came into a bundle. */
export function packagesIn({ outputs }: Metafile): string[] {
  const parts = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const files = parts.flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? file : []));
  return [...new Set(files.flatMap((file) => PACKAGE.exec(file)?.[0] ?? []))];
}

/**
 * Leaves of each package in the bundle its licence, and the name and version by which scanners know it, where npm had
 * installed it. `from` and `to`: the folders with `node_modules`.
 * @throws when one has no licence
 */
export async function copyPapers(packages: readonly string[], from: string, to: string): Promise<void> {
  for (const folder of packages) {
    const papers = (await readdir(join(from, folder))).filter((name) => PAPERS.test(name));
    const { license } = await packageJson(join(from, folder));
    if (papers.length === 0 && !license) throw new Error(`${folder} has no licence`);
    await copyOf(folder, ['package.json', ...papers], from, to);
  }
}

/** Copies a package that is native code, with the part of it that is for this machine. */
export async function copyNative(name: string, from: string, to: string): Promise<void> {
  const folder = `node_modules/${name}`;
  const { optionalDependencies = {} } = await packageJson(join(from, folder));
  const installed = await Promise.all(
    Object.keys(optionalDependencies).map(async (part) => {
      const found = await readdir(join(from, 'node_modules', part)).catch(() => []); // it is for another machine
      return found.length > 0 ? [`node_modules/${part}`] : [];
    }),
  );
  const parts = installed.flat();
  if (parts.length === 0)
    throw new Error(`${name} has no part for this machine: install the optional packages`);
  for (const part of [folder, ...parts]) {
    const files = (await readdir(join(from, part))).filter(
      (file) => /\.(node|js|json)$/.test(file) || PAPERS.test(file),
    );
    await copyOf(part, files, from, to);
  }
}

async function copyOf(folder: string, files: string[], from: string, to: string): Promise<void> {
  await mkdir(join(to, folder), { recursive: true });
  for (const file of files) await cp(join(from, folder, file), join(to, folder, file), { recursive: true });
}

/** The part of a package.json that is read here. */
interface PackageJson {
  license?: unknown;
  optionalDependencies?: Record<string, string>;
}

async function packageJson(folder: string): Promise<PackageJson> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
}
