import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';
import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import type { Config } from '../../config/config.ts';
import { isTls, lowersProtection } from '../../config/endpoints.ts';
import { abortable } from '../../util/abortable.ts';
import { EtcdError, toEtcdError } from '../errors.ts';
import { CHANNEL_OPTIONS, keepChannel } from './channel.ts';
import { statusMethod } from './status-method.ts';
import { grpcCredentials } from './tls.ts';

/** How to reach etcd: the part of the configuration that every connection needs. */
export type EtcdSettings = Config['etcd'];

/** How one call is made. */
export interface CallOptions {
  deadline: Date;
}

const ANY_KEY = Buffer.from([0]);

/**
 * One client for one endpoint, with nothing automatic about it: etcd3 would by default repeat a failed call on
 * whatever host comes next, which must never happen to a defragmentation. A class, because etcd3 shows its connection
 * (which holds the auth token) to subclasses only.
 */
export class Connection extends Etcd3 {
  readonly endpoint: string;
  readonly settings: EtcdSettings;
  readonly signal: AbortSignal;

  /**
   * No call outlives `signal`, but for those that clean up after it. `endpoint`: as `parseEndpoint` gives it. Here it ends
   * for whatever goes to a member, a snapshot too: none is asked in plain text where https was given.
   */
  constructor(endpoint: string, settings: EtcdSettings, signal: AbortSignal) {
    if (lowersProtection(endpoint, settings.endpoints)) throw new Error(`${endpoint} is not to be asked`);
    super({
      hosts: targetOf(endpoint),
      ...(isTls(endpoint) && { credentials: grpcCredentials(settings.tls) }),
      ...(settings.credentials && { auth: authOptions(settings.credentials, settings.commandTimeoutMs) }),
      grpcOptions: CHANNEL_OPTIONS,
      faultHandling: { global: noop, host: () => keepChannel },
    });
    this.pool.markFailed = () => undefined; // the same, for streams
    this.endpoint = endpoint;
    this.settings = settings;
    this.signal = signal;
  }

  /**
   * Calls `fn` with a deadline that many milliseconds from now. Throws an `EtcdError`, or at the end of the run what
   * its signal says; what was asked of etcd may go on there.
   */
  async call<T>(
    fn: (options: CallOptions) => Promise<T>,
    timeoutMs = this.settings.commandTimeoutMs,
  ): Promise<T> {
    this.signal.throwIfAborted(); // nothing new is asked of etcd once the run is to end
    return abortable(this.callToTheEnd(fn, timeoutMs), this.signal);
  }

  /** The same, also when the run has been told to end: to clean up. */
  async callToTheEnd<T>(fn: (options: CallOptions) => Promise<T>, timeoutMs: number): Promise<T> {
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
      if (toEtcdError(error).code !== 'access' || this.settings.credentials === undefined) throw error;
      // The token may have expired. What is refused with a new one is refused for good.
      await this.renewToken();
      return this.askStatus(timeoutMs);
    }
  }

  private askStatus(timeoutMs?: number): Promise<object> {
    return this.call(
      ({ deadline }) =>
        this.pool.withConnection('Maintenance', ({ client, metadata }) =>
          requestStatus(client, metadata, deadline),
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

  /** Resolves once connected; an `EtcdError` when that takes longer than the dial timeout. */
  async dial(): Promise<void> {
    const { dialTimeoutMs } = this.settings;
    await this.withClient((client) => ready(client, dialTimeoutMs));
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

/** For gRPC's resolver, which would take a host of the name `unix` or `ipv4` for a scheme of its own. */
const targetOf = (endpoint: string): string => endpoint.replace(/^https?:\/\//, 'dns:');

/** A gRPC deadline that many milliseconds from now. */
const after = (ms: number): Date => new Date(Date.now() + ms);

const authOptions = (
  { username, password }: NonNullable<EtcdSettings['credentials']>,
  timeoutMs: number,
) => ({ username, password, callOptions: () => ({ deadline: after(timeoutMs) }) });

function requestStatus(client: Client, metadata: Metadata, deadline: Date): Promise<object> {
  const { path, requestSerialize, responseDeserialize } = statusMethod();
  return new Promise((resolve, reject) => {
    const settle = (error: ServiceError | null, response?: object): void =>
      response ? resolve(response) : reject(error ?? new Error('no answer'));
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, metadata, { deadline }, settle);
  });
}

/** An `EtcdError` that is not yet connected after that many milliseconds. */
function ready(client: Client, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(after(timeoutMs), (error) => (error ? reject(dialTimeout(timeoutMs)) : resolve()));
  });
}

export const dialTimeout = (timeoutMs: number): EtcdError =>
  new EtcdError('timeout', `no connection within ${timeoutMs / 1000} s`);
