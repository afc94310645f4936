import { Failure } from '../errors.ts';
import { refusal } from './file/errors.ts';

/** A name that stays in its folder. */
function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

/** The name. Throws a `Failure` `backup` where it is not that of a file in the cluster's folder. */
export function plainName(name: string): string {
  if (isPlainName(name)) return name;
  throw refusal(`${JSON.stringify(name)} is not a plain file name`, 'look at who put it into the store');
}

/** The name of a cluster's folder. Throws a `Failure` `configuration` where the cluster's name cannot name one. */
export function clusterFolder(cluster: string): string {
  if (isPlainName(cluster)) return cluster;
  throw new Failure(
    'configuration',
    `CLUSTER_NAME ${JSON.stringify(cluster)} cannot name a folder: give one without "/", other than "." and ".."`,
  );
}
