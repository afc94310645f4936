import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../run-program.ts';
import { type Machine, startMachine } from './machine.ts';

/** A machine with an address of its own. */
export interface Host extends AsyncDisposable {
  readonly name: string;
  readonly address: string;
  readonly machine: Machine;
  /** Holds what the machine's programs write and is gone with it; the same path in there and here. */
  readonly folder: string;
  /** Runs a command among its processes and mounts, for at most three minutes. */
  inside(file: string, ...args: string[]): Promise<string>;
}

export interface HostOptions {
  name: string;
  address: string;
  /** An empty folder. */
  folder: string;
  /** Folders that appear in there: path in there -> path here. */
  folders: Record<string, string>;
}

/** What hosts reach each other by, and the tests them. It ends after the hosts. */
export interface Network extends AsyncDisposable {
  addHost(options: HostOptions): Promise<Host>;
}

const BRIDGE = 'hosts';
const GATEWAY = '10.0.0.254';
const COMMAND_TIMEOUT_MS = 180_000;

/** Makes the network 10.0.0.0/24, in which the tests are 10.0.0.254. Only where `npm run test:e2e` runs its tests. */
export async function startNetwork(): Promise<Network> {
  await removeLink(BRIDGE); // of a test that was killed
  await ip('link', 'add', BRIDGE, 'type', 'bridge');
  await ip('address', 'add', `${GATEWAY}/24`, 'dev', BRIDGE);
  await ip('link', 'set', BRIDGE, 'up');
  return { addHost, [Symbol.asyncDispose]: () => removeLink(BRIDGE) };
}

async function addHost({ name, address, folder, folders }: HostOptions): Promise<Host> {
  for (const path of Object.values(folders)) await mkdir(path, { recursive: true });
  const machine = await startMachine({ folder: join(folder, 'machine'), folders, network: true });
  const inside = (file: string, ...args: string[]) => {
    const [program, ...rest] = machine.inside([file, ...args]);
    return runProgram(program, rest, { timeoutMs: COMMAND_TIMEOUT_MS });
  };
  const cable = `to-${name}`;
  await removeLink(cable);
  await ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(machine.pid));
  await ip('link', 'set', cable, 'master', BRIDGE, 'up');
  await inside('ip', 'link', 'set', 'lo', 'up');
  await inside('ip', 'address', 'add', `${address}/24`, 'dev', 'eth0');
  await inside('ip', 'link', 'set', 'eth0', 'up');
  await inside('ip', 'route', 'add', 'default', 'via', GATEWAY);
  return {
    name,
    address,
    machine,
    folder,
    inside,
    [Symbol.asyncDispose]: async () => {
      await removeLink(cable); // the kernel would take its time
      await machine[Symbol.asyncDispose]();
    },
  };
}

async function ip(...args: string[]): Promise<void> {
  await runProgram('ip', args);
}

/** It need not be there. */
async function removeLink(name: string): Promise<void> {
  const links = await runProgram('ip', ['-brief', 'link']);
  if (new RegExp(`^${name}[@ ]`, 'm').test(links)) await ip('link', 'delete', name);
}
