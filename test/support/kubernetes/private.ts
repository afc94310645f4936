import { delimiter } from 'node:path';

/** What there is in the namespaces that an end-to-end test file runs in. */
interface Namespaces {
  /** The control group that pods run below. */
  cgroup: string;
  /** An address of the private network, beside loopback. */
  address: string;
}

/** What `npm run test:e2e` prepares for all of them. */
interface Images {
  /** Files with the images that a node begins with. */
  archives: string[];
  /** The file with the image of kube-apiserver, for the nodes that ask for it. */
  kubeApiServer: string;
  /** The name of the image whose process holds a pod's namespaces. */
  pause: string;
}

const VARIABLE = 'ETCD_UPKEEP_E2E_';

/** Whether this process is in namespaces of its own. */
export const PRIVATE = process.env[`${VARIABLE}ADDRESS`] !== undefined;

/** The environment that hands it on to the tests. */
export function namespacesEnv({ cgroup, address }: Namespaces): Record<string, string> {
  return { [`${VARIABLE}CGROUP`]: cgroup, [`${VARIABLE}ADDRESS`]: address };
}

export function imagesEnv({ archives, kubeApiServer, pause }: Images): Record<string, string> {
  return {
    [`${VARIABLE}ARCHIVES`]: archives.join(delimiter),
    [`${VARIABLE}KUBE_APISERVER`]: kubeApiServer,
    [`${VARIABLE}PAUSE`]: pause,
  };
}

/** Throws where there is none: a node would take the machine's port 2379. */
export function privateSite(): Namespaces & Images {
  return {
    cgroup: read('CGROUP'),
    address: read('ADDRESS'),
    archives: read('ARCHIVES').split(delimiter),
    kubeApiServer: read('KUBE_APISERVER'),
    pause: read('PAUSE'),
  };
}

function read(name: string): string {
  const value = process.env[`${VARIABLE}${name}`];
  if (!value) throw new Error('a node needs a network of its own: run its tests with npm run test:e2e');
  return value;
}
