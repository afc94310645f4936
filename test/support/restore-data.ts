import { plainEnv, runProgram } from './run-program.ts';
import { type EtcdVersion, etcdctl, etcdutl } from './tools.ts';

export interface RestoreTarget {
  name: string;
  dataDir: string;
  peerUrl: string;
  initialCluster: string;
  token: string;
}

/**
 * Makes a member's data folder out of a snapshot, with the tool of the etcd version that is to run on it. Throws where
 * the tool refuses: it compares the snapshot's hash.
 */
export async function restoreInto(file: string, version: EtcdVersion, target: RestoreTarget): Promise<void> {
  const tool = version === '3.4' ? await etcdctl('3.4') : await etcdutl(version);
  const args = [
    `--name=${target.name}`,
    `--data-dir=${target.dataDir}`,
    `--initial-cluster=${target.initialCluster}`,
    `--initial-cluster-token=${target.token}`,
    `--initial-advertise-peer-urls=${target.peerUrl}`,
  ];
  await runProgram(tool, ['snapshot', 'restore', file, ...args], { env: plainEnv(), timeoutMs: 300_000 });
}
