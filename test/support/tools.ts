import { createHash } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildTool } from './build-tool.ts';
import { needsMoreThanNode } from './more-than-node.ts';
import { REPOSITORY } from './repository.ts';
import { plainEnv, runProgram } from './run-program.ts';
import {
  ACTIONLINT,
  ageTool,
  DOCKER_COMPOSE,
  type EtcdVersion,
  etcdctlTool,
  etcdTool,
  etcdutlTool,
  HELM_DOCS,
  type HelmVersion,
  helmTool,
  type KubernetesProgram,
  type KubernetesVersion,
  kubernetesTool,
  PROMETHEUS,
  PROMTOOL,
  PUSHGATEWAY,
  type Tool,
  VERSITYGW,
} from './tool-list.ts';

export type { EtcdVersion, HelmVersion, KubernetesProgram, KubernetesVersion } from './tool-list.ts';

export const CACHE = join(REPOSITORY, '.cache/tools');

const found = new Map<string, Promise<string>>();

/** The path of the etcd server of that version. */
export function etcdBinary(version: EtcdVersion): Promise<string> {
  return tool(etcdTool(version));
}

export function etcdctl(version: EtcdVersion = '3.6'): Promise<string> {
  return tool(etcdctlTool(version));
}

/** 3.4 has none: there it is `etcdctl snapshot restore`. */
export function etcdutl(version: Exclude<EtcdVersion, '3.4'> = '3.6'): Promise<string> {
  return tool(etcdutlTool(version));
}

export function helm(version: HelmVersion = '4.3'): Promise<string> {
  return tool(helmTool(version));
}

export function helmDocs(): Promise<string> {
  return tool(HELM_DOCS);
}

export function actionlint(): Promise<string> {
  return tool(ACTIONLINT);
}

export function versitygw(): Promise<string> {
  return tool(VERSITYGW);
}

/** age or age-keygen, the standard commands. */
export function age(name: 'age' | 'age-keygen' = 'age'): Promise<string> {
  return tool(ageTool(name));
}

export function dockerCompose(): Promise<string> {
  return tool(DOCKER_COMPOSE);
}

export function prometheus(): Promise<string> {
  return tool(PROMETHEUS);
}

export function promtool(): Promise<string> {
  return tool(PROMTOOL);
}

export function pushgateway(): Promise<string> {
  return tool(PUSHGATEWAY);
}

export function kubernetes(program: KubernetesProgram, version?: KubernetesVersion): Promise<string> {
  return tool(kubernetesTool(program, version));
}

/** The tests' own maker of databases: no version but its source, so that each change of it is built anew. */
export function boltMaker(): Promise<string> {
  const known =
    found.get('bolt-maker') ?? builtFrom('bolt-maker', join(REPOSITORY, 'test/support/bolt-maker'));
  found.set('bolt-maker', known);
  return known;
}

async function builtFrom(name: string, folder: string): Promise<string> {
  needsMoreThanNode(name);
  const hash = createHash('sha256');
  for (const file of (await readdir(folder)).toSorted())
    hash.update(`${file}\0`).update(await readFile(join(folder, file)));
  const version = hash.digest('hex').slice(0, 12);
  const cached = join(CACHE, `${name}-${version}`);
  if (!(await exists(cached))) await buildTool({ name, version, ask: [], package: '', folder }, cached);
  return cached;
}

/**
 * Looks where `ETCD_3_6_BIN` (`HELM_4_3_BIN`, ...) points, then on the PATH for the wanted version, then in the cache;
 * builds it into the cache where it is nowhere. Throws when the variable names something else.
 */
function tool(wanted: Tool): Promise<string> {
  const key = `${wanted.name}-${wanted.version}`;
  const known = found.get(key) ?? find(wanted, key);
  found.set(key, known);
  return known;
}

async function find(wanted: Tool, key: string): Promise<string> {
  needsMoreThanNode(wanted.name);
  const variable = `${key.toUpperCase().replaceAll(/[-.]/g, '_')}_BIN`;
  const named = process.env[variable];
  if (named) {
    const given = await versionOf(named, wanted);
    if (fits(given, wanted)) return named;
    const what = given ?? 'not a program that runs';
    throw new Error(`${variable}=${named} is ${what}, wanted is ${wanted.name} ${wanted.version}`);
  }
  if (fits(await versionOf(wanted.name, wanted), wanted)) return wanted.name;
  const cached = join(CACHE, key);
  if (await exists(cached)) return cached;
  await buildTool(wanted, cached).catch((error: unknown) => {
    const message = `${wanted.name} ${wanted.version} could not be built; point ${variable} at one instead`;
    throw new Error(message, { cause: error });
  });
  const built = await versionOf(cached, wanted);
  if (fits(built, wanted)) return cached;
  throw new Error(
    `${cached} was built as ${built ?? 'something that does not run'}; set ${variable} instead`,
  );
}

const fits = (given: string | undefined, { version }: Tool): boolean => `${given}.`.startsWith(`${version}.`);

/** The version of a binary (`3.6.16`), or undefined where it is missing or does not run. */
async function versionOf(path: string, { ask }: Tool): Promise<string | undefined> {
  // Some print it to standard error.
  const both = ['-c', 'exec "$0" "$@" 2>&1', path, ...ask];
  const output = await runProgram('sh', both, { env: plainEnv(), timeoutMs: 20_000 }).catch(() => '');
  return /(\d+\.\d+\.\d+)/.exec(output)?.[1];
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
