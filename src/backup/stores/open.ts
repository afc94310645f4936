import type { StoreConfig } from '../../config.ts';
import { openFileStore } from './file.ts';
import type { Store } from './store.ts';

/** The store that `BACKUP_STORE` names; every kind of it has a case here. */
export function openStore(config: StoreConfig, cluster: string): Store {
  switch (config.kind) {
    case 'file':
      return openFileStore({ directory: config.directory, cluster });
    default:
      return config.kind satisfies never;
  }
}
