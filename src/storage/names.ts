import { Failure } from '../errors.ts';
import { StoreError } from './errors.ts';

/** A name that stays in its folder. */
function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

/** The name. @throws StoreError `invalid-name` where it is not that of a file in the cluster's folder */
export function plainName(name: string): string {
  if (isPlainName(name)) return name;
  throw new StoreError(
    'invalid-name',
    `${JSON.stringify(name)} is not a plain file name`,
    'look at who put it into the store',
  );
}

/** The name of a cluster's folder. @throws Failure `configuration` where the cluster's name cannot name one */
export function clusterFolder(cluster: string): string {
  if (isPlainName(cluster)) return cluster;
  throw new Failure(
    'configuration',
    `CLUSTER_NAME ${JSON.stringify(cluster)} cannot name a folder: give one without "/", other than "." and ".."`,
  );
}
