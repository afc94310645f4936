import type { StoreConfig } from '../config/config.ts';
import { FileStore, listClusterFolders } from './file/store.ts';
import type { Store } from './store.ts';

/**
 * The store that `BACKUP_STORE` names; every kind of it has a case here. What only one kind needs is loaded with it.
 * @param signal ends every call of the store
 * @throws Failure `configuration` where the cluster's name cannot name a folder
 */
export async function openStore(config: StoreConfig, cluster: string, signal: AbortSignal): Promise<Store> {
  switch (config.kind) {
    case 'file':
      return new FileStore({ directory: config.directory, cluster, signal });
    case 's3': {
      const { S3Store } = await import('./s3/store.ts');
      return new S3Store({ config, cluster, signal });
    }
    default:
      return config satisfies never;
  }
}

/** The names of the clusters that have a folder in the store. @throws StoreError where it cannot be read */
export async function clustersIn(config: StoreConfig, signal: AbortSignal): Promise<string[]> {
  switch (config.kind) {
    case 'file':
      return listClusterFolders(config.directory, signal);
    case 's3': {
      const { listS3Clusters } = await import('./s3/store.ts');
      return listS3Clusters(config, signal);
    }
    default:
      return config satisfies never;
  }
}
