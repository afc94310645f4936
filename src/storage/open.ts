import type { StoreConfig } from '../config/config.ts';
import { listClusterFolders, openFileStore } from './file/store.ts';
import type { Store } from './store.ts';

/** The store that `BACKUP_STORE` names; every kind of it has a case here. What only one kind needs is loaded with it. */
export async function openStore(config: StoreConfig, cluster: string): Promise<Store> {
  switch (config.kind) {
    case 'file':
      return openFileStore({ directory: config.directory, cluster });
    case 's3': {
      const { openS3Store } = await import('./s3/store.ts');
      return openS3Store(config, cluster);
    }
    default:
      return config satisfies never;
  }
}

/** The names of the clusters that have a folder in the store. Throws a `Failure` `backup` where it cannot be read. */
export async function clustersIn(config: StoreConfig): Promise<string[]> {
  switch (config.kind) {
    case 'file':
      return listClusterFolders(config.directory);
    case 's3': {
      const { listS3Clusters } = await import('./s3/store.ts');
      return listS3Clusters(config);
    }
    default:
      return config satisfies never;
  }
}
