import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { guardProcess } from '../support/process-guard.ts';
import type { LogLine } from '../support/run-job.ts';
import type { Image } from './build.ts';
import { engineCommand, engineEnv, runEngine } from './engine.ts';

export interface ContainerOptions {
  /** `uid` or `uid:gid`; the image's own when left out. */
  user?: string;
  env?: Record<string, string>;
  /** A program of the image and its arguments, instead of the image's entry point. */
  program?: [name: string, ...args: string[]];
  /** What is mounted: path in the container -> path here. */
  readable?: Record<string, string>;
  writable?: Record<string, string>;
}

export interface ContainerResult {
  /** 125 to 127 are podman's own. */
  code: number | null;
  /** All of stdout: a line that is not JSON fails the test. */
  lines: LogLine[];
  /** The last line. */
  report: LogLine | undefined;
  stdout: string;
  stderr: string;
}

export interface Container {
  signal(name: NodeJS.Signals): Promise<void>;
  readonly finished: Promise<ContainerResult>;
}

const MAX_SECONDS = 120;

/** As restricted as the chart makes it, and without the tmpfs mounts that podman would add. */
const RESTRICTIONS = [
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
];

/** Starts a container. It is killed when it runs for more than two minutes, whatever becomes of this process. */
export function startContainer(image: Image, options: ContainerOptions = {}): Container {
  const { user = image.user, env = {}, program, readable = {}, writable = {} } = options;
  const name = `etcd-upkeep-test-${randomUUID()}`;
  const args = [
    '--rm',
    '--network=host',
    `--name=${name}`,
    `--user=${user}`,
    `--timeout=${MAX_SECONDS}`,
    ...RESTRICTIONS,
    ...Object.entries(env).map(([variable, value]) => `--env=${variable}=${value}`),
    ...mounts(readable, 'ro'),
    ...mounts(writable, 'rw'),
    ...(program ? [`--entrypoint=${program[0]}`, image.name, ...program.slice(1)] : [image.name]),
  ];
  const child = spawn(...engineCommand('podman', ['run', ...args]), {
    env: engineEnv(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  guardProcess(child);

  async function finish(): Promise<ContainerResult> {
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    const lines = stdout.split('\n').filter(Boolean).map(parseLine);
    return { code: child.exitCode, lines, report: lines.at(-1), stdout, stderr };
  }

  return {
    signal: async (signal) => {
      await runEngine('podman', ['kill', `--signal=${signal}`, name]);
    },
    finished: finish(),
  };
}

export function runContainer(image: Image, options?: ContainerOptions): Promise<ContainerResult> {
  return startContainer(image, options).finished;
}

function mounts(paths: Record<string, string>, mode: 'ro' | 'rw'): string[] {
  return Object.entries(paths).map(([inside, outside]) => `--volume=${outside}:${inside}:${mode}`);
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Error(`not a log line on stdout: ${line}`, { cause: error });
  }
}
