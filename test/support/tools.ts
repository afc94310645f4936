import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildTool } from './build.ts';
import { plainEnv, run } from './process.ts';

/** A minor version stands for its last patch; 3.5.4 is one of those that must not be defragmented. */
export type EtcdVersion = '3.4' | '3.5' | '3.5.4' | '3.6' | '3.7';
export type ToolName = 'etcd' | 'etcdctl' | 'etcdutl';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
export const CACHE = join(REPOSITORY, '.cache/tools');

const found = new Map<string, Promise<string>>();

/** The path of the etcd server of that version. */
export function etcdBinary(version: EtcdVersion): Promise<string> {
  return tool('etcd', version);
}

export function etcdctl(version: EtcdVersion = '3.6'): Promise<string> {
  return tool('etcdctl', version);
}

/** 3.4 has none: there it is `etcdctl snapshot restore`. */
export function etcdutl(version: Exclude<EtcdVersion, '3.4'> = '3.6'): Promise<string> {
  return tool('etcdutl', version);
}

/**
 * Looks where `ETCD_3_6_BIN` (`ETCDCTL_3_6_BIN`, ...) points, then on the PATH for the wanted version, then in the
 * cache; builds it into the cache where it is nowhere. Throws when the variable names something else.
 */
function tool(name: ToolName, version: EtcdVersion): Promise<string> {
  const key = `${name}-${version}`;
  const known = found.get(key) ?? find(name, version);
  found.set(key, known);
  return known;
}

async function find(name: ToolName, version: EtcdVersion): Promise<string> {
  const variable = `${name.toUpperCase()}_${version.replaceAll('.', '_')}_BIN`;
  const named = process.env[variable];
  if (named) {
    const given = await versionOf(named, name);
    if (fits(given, version)) return named;
    throw new Error(
      `${variable}=${named} is ${given ?? 'not a program that runs'}, wanted is ${name} ${version}`,
    );
  }
  if (fits(await versionOf(name, name), version)) return name;
  const cached = join(CACHE, `${name}-${version}`);
  if (await exists(cached)) return cached;
  await buildTool(name, version, cached);
  const built = await versionOf(cached, name);
  if (fits(built, version)) return cached;
  throw new Error(
    `${cached} was built as ${built ?? 'something that does not run'}; set ${variable} instead`,
  );
}

const fits = (given: string | undefined, wanted: EtcdVersion): boolean =>
  `${given}.`.startsWith(`${wanted}.`);

/** The version of a binary (`3.6.16`), or undefined where it is missing or does not run. */
async function versionOf(path: string, name: ToolName): Promise<string | undefined> {
  const args = name === 'etcd' ? ['--version'] : ['version'];
  const output = await run(path, args, { env: plainEnv(), timeoutMs: 20_000 }).catch(() => '');
  return /version: (\d+\.\d+\.\d+)/i.exec(output)?.[1];
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

if (import.meta.main) {
  const wanted = [
    () => etcdBinary('3.6'),
    () => etcdctl(),
    () => etcdutl(),
    () => etcdBinary('3.5'),
    () => etcdutl('3.5'),
    () => etcdBinary('3.5.4'),
    () => etcdBinary('3.7'),
    () => etcdutl('3.7'),
    () => etcdBinary('3.4'),
    () => etcdctl('3.4'),
  ];
  for (const prepare of wanted) console.log(await prepare());
}
