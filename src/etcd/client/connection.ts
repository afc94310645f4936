import { getCACertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { Client, Metadata } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { type IPolicy, noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import { abortable } from '../../util/abortable.ts';
import type { Config } from '../../config/config.ts';
import { EtcdError, toEtcdError } from '../errors.ts';

/** How to reach etcd: the part of the configuration that every connection needs. */
export type EtcdSettings = Config['etcd'];

// Without these a member that comes back after a restart is tried again only after up to two minutes, and a peer that
// vanished without a word (a node that lost power) is never noticed.
const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 20_000,
  // A proxy that the pod's environment names for the world outside is not the way to etcd.
  'grpc.enable_http_proxy': 0,
};

/**
 * After many errors of one call etcd3 closes its channel, and with it every other call that still waits there: a lease
 * that was not renewed in time would end the defragmentation that it waited for. It knows those errors by their class,
 * so they leave its policy as ours. The channel connects anew by itself.
 */
const keepChannel: IPolicy = {
  _altReturn: noop._altReturn,
  onSuccess: noop.onSuccess,
  onFailure: noop.onFailure,
  execute: (fn, signal) =>
    noop.execute(fn, signal).catch((error: unknown) => {
      throw toEtcdError(error);
    }),
};

const statusProto = fileURLToPath(new URL('status.proto', import.meta.url));
let statusMethod: MethodDefinition<object, object> | undefined;

/** The one method that is called with our own copy of its messages; parsed on first use. */
function statusDefinition(): MethodDefinition<object, object> {
  if (statusMethod !== undefined) return statusMethod;
  const options = { keepCase: true, longs: String, defaults: true };
  const service = loadSync(statusProto, options)['etcdserverpb.Maintenance'];
  const method = service && 'Status' in service ? service.Status : undefined;
  if (!isMethod(method)) throw new Error('status.proto has no Maintenance.Status');
  statusMethod = method;
  return statusMethod;
}

/** A Status answer that came by another way than gRPC's client. */
export const statusOf = (message: Buffer): object => statusDefinition().responseDeserialize(message);

/** The loader types whatever it finds in the file as one of everything that it could be. */
const isMethod = (found: unknown): found is MethodDefinition<object, object> =>
  typeof found === 'object' && found !== null && 'requestSerialize' in found;

/**
 * One client for one endpoint, with nothing automatic about it: etcd3 would by default repeat a failed call on
 * whatever host comes next, which must never happen to a defragmentation. A class, because etcd3 shows its connection
 * (which holds the auth token) to subclasses only.
 */
export class Connection extends Etcd3 {
  readonly endpoint: string;
  readonly settings: EtcdSettings;
  readonly signal: AbortSignal;

  /** No call outlives `signal`, but for those that clean up after it. */
  constructor(endpoint: string, settings: EtcdSettings, signal: AbortSignal) {
    const { tls, credentials } = settings;
    super({
      hosts: endpoint,
      ...(endpoint.startsWith('https:') && { credentials: tlsOptions(tls) }),
      ...(credentials && {
        auth: {
          username: credentials.username,
          password: credentials.password,
          callOptions: () => ({ deadline: after(settings.commandTimeoutMs) }),
        },
      }),
      grpcOptions: CHANNEL_OPTIONS,
      faultHandling: { global: noop, host: () => keepChannel },
    });
    this.pool.markFailed = () => undefined; // the same, for streams
    this.endpoint = endpoint;
    this.settings = settings;
    this.signal = signal;
  }

  /**
   * Calls `fn` with a deadline that many milliseconds from now. Throws a `EtcdError`, or at the end of the run what its
   * signal says; what was asked of etcd may go on there.
   */
  async call<T>(
    fn: (options: { deadline: Date }) => Promise<T>,
    timeoutMs = this.settings.commandTimeoutMs,
  ): Promise<T> {
    this.signal.throwIfAborted(); // nothing new is asked of etcd once the run is to end
    return abortable(this.callToTheEnd(fn, timeoutMs), this.signal);
  }

  /** The same, also when the run has been told to end: to clean up. */
  async callToTheEnd<T>(fn: (options: { deadline: Date }) => Promise<T>, timeoutMs: number): Promise<T> {
    try {
      return await fn({ deadline: after(timeoutMs) });
    } catch (error) {
      throw toEtcdError(error);
    }
  }

  /** etcd3 looks for `hashKV` on its gRPC client, where the method is called `HashKV`. */
  hashKV(
    revision: number,
    timeoutMs: number,
  ): Promise<{ hash: number; compact_revision: string; hash_revision?: string }> {
    return this.call((options) => this.pool.exec('Maintenance', 'HashKV', { revision }, options), timeoutMs);
  }

  /** Status with the fields that etcd3 does not know, among them the quota. */
  async fullStatus(timeoutMs?: number): Promise<object> {
    try {
      return await this.askStatus(timeoutMs);
    } catch (error) {
      if (!isExpiredToken(error)) throw error;
      await this.renewToken();
      return this.askStatus(timeoutMs);
    }
  }

  private askStatus(timeoutMs?: number): Promise<object> {
    const { path, requestSerialize, responseDeserialize } = statusDefinition();
    return this.call(
      ({ deadline }) =>
        this.pool.withConnection(
          'Maintenance',
          ({ client, metadata }) =>
            new Promise<object>((resolve, reject) => {
              client.makeUnaryRequest(
                path,
                requestSerialize,
                responseDeserialize,
                {},
                metadata,
                { deadline },
                (error: Error | null, response?: object) =>
                  response ? resolve(response) : reject(error ?? new Error('no answer')),
              );
            }),
        ),
      timeoutMs,
    );
  }

  /**
   * Makes sure of a valid token before a call that cannot be repeated by itself: etcd3 renews an expired one on unary
   * calls only. Reading a key is the cheapest one that every version checks the token for.
   */
  async renewToken(): Promise<void> {
    if (this.settings.credentials === undefined) return;
    await this.call((options) =>
      this.kv.range({ key: ANY_KEY, serializable: true, count_only: true }, options),
    );
  }

  /** Resolves once connected; a `EtcdError` when that takes longer than the dial timeout. */
  async dial(): Promise<void> {
    const { dialTimeoutMs } = this.settings;
    await this.withClient(
      (client) =>
        new Promise<void>((resolve, reject) => {
          client.waitForReady(after(dialTimeoutMs), (error) =>
            error
              ? reject(new EtcdError('timeout', `no connection within ${dialTimeoutMs / 1000} s`))
              : resolve(),
          );
        }),
    );
  }

  /** A valid auth token; undefined without authentication. */
  async token(): Promise<string | undefined> {
    await this.renewToken();
    return this.withClient((_client, metadata) => {
      const token = metadata.get('token')[0];
      return token === undefined ? undefined : String(token);
    });
  }

  private async withClient<T>(fn: (client: Client, metadata: Metadata) => Promise<T> | T): Promise<T> {
    return this.call(() =>
      this.pool.withConnection('Maintenance', ({ client, metadata }) => fn(client, metadata)),
    );
  }
}

const ANY_KEY = Buffer.from([0]);

const isExpiredToken = (error: unknown): boolean =>
  error instanceof EtcdError && error.message.includes('invalid auth token');

/** A gRPC deadline that many milliseconds from now. */
export const after = (ms: number): Date => new Date(Date.now() + ms);

function tlsOptions(tls: EtcdSettings['tls']) {
  return {
    rootCertificate: tls?.ca ?? systemRoots(),
    ...(tls?.cert && { certChain: tls.cert }),
    ...(tls?.key && { privateKey: tls.key }),
  };
}

/** The machine's own roots, and those that come with Node for an image that has none. */
export function systemRoots(): Buffer {
  return Buffer.from([...getCACertificates('system'), ...getCACertificates('default')].join('\n'));
}
