import type { Store } from '../../../src/storage/store.ts';
import { S3Store } from '../../../src/storage/s3/store.ts';
import { s3StoreOf } from '../../../src/config/s3-store.ts';
import { type S3Options, type S3Server, startS3, withEnv } from '../../support/s3-server.ts';
import { type S3Proxy, startS3Proxy } from '../../support/s3-proxy.ts';
import { NAME, never } from '../../support/file-store.ts';

export const KEY = `etcd/prod/${NAME}`;

interface OpenOptions {
  cluster?: string;
  query?: string;
  prefix?: string;
  signal?: AbortSignal;
  now?: () => number;
}

export interface S3Place extends AsyncDisposable {
  readonly server: S3Server;
  readonly proxy: S3Proxy;
  /** Through the proxy, for the cluster `prod` below `etcd/`. */
  readonly store: Store;
  open(options?: OpenOptions): Store;
}

/** A server, a proxy before it and a store that knows only the proxy. */
export async function startPlace(options: S3Options = {}): Promise<S3Place> {
  const stack = new AsyncDisposableStack();
  try {
    const server = stack.use(await startS3(options));
    const proxy = stack.use(await startS3Proxy(server.url));
    stack.use(withEnv(server.env(proxy.url)));
    const open: S3Place['open'] = ({ cluster = 'prod', query = '', prefix = '/etcd', ...rest } = {}) => {
      const config = s3StoreOf(`s3://${server.bucket}${prefix}?forcePathStyle=true${query}`);
      return new S3Store({ config, cluster, signal: never(), ...rest });
    };
    return { server, proxy, open, store: open(), [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** The names of the operations that the proxy has seen. */
export const operations = ({ proxy }: S3Place): string[] => proxy.requests.map(({ operation }) => operation);
