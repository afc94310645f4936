import type { Client } from '@grpc/grpc-js';
import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import type { Config } from '../../config/config.ts';
import { isTls, lowersProtection } from '../../config/endpoints.ts';
import { abortable } from '../../util/abortable.ts';
import { inTime } from '../../util/in-time.ts';
import { EtcdError, toEtcdError } from '../errors.ts';
import { type CallOptions, callOptions, unary, unaryByName } from './calls.ts';
import { CHANNEL_OPTIONS, keepChannel } from './channel.ts';
import { statusMethod } from './status-method.ts';
import { grpcCredentials } from './tls.ts';
import { type TokenKeeper, tokenKeeper } from './token.ts';

/** How to reach etcd: the part of the configuration that every connection needs. */
export type EtcdSettings = Config['etcd'];

export type { CallOptions } from './calls.ts';

/**
 * One client for one endpoint, with nothing automatic about it: etcd3 would by default repeat a failed call on
 * whatever host comes next, which must never happen to a defragmentation. A class, because etcd3 shows its connection
 * to subclasses only.
 */
export class Connection extends Etcd3 {
  readonly endpoint: string;
  readonly settings: EtcdSettings;
  readonly signal: AbortSignal;
  private readonly tokens: TokenKeeper | undefined;

  /**
   * No call outlives `signal`, but for those that clean up after it. `endpoint`: as `parseEndpoint` gives it. Here it ends
   * for whatever goes to a member, a snapshot too: none is asked in plain text where https was given.
   */
  constructor(endpoint: string, settings: EtcdSettings, signal: AbortSignal) {
    if (lowersProtection(endpoint, settings.endpoints)) throw new Error(`${endpoint} is not to be asked`);
    super({
      hosts: targetOf(endpoint),
      ...(isTls(endpoint) && { credentials: grpcCredentials(settings.tls) }),
      grpcOptions: CHANNEL_OPTIONS,
      faultHandling: { global: noop, host: () => keepChannel },
    });
    this.pool.markFailed = () => undefined; // the same, for streams
    this.pool.exec = (service, method, request, options = {}) =>
      this.pool.withConnection(service, ({ client, metadata }) =>
        unaryByName(client, method, request, metadata, options),
      );
    this.endpoint = endpoint;
    this.settings = settings;
    this.signal = signal;
    const { credentials } = settings;
    this.tokens = credentials && tokenKeeper(() => this.signIn(credentials));
  }

  /**
   * Calls `fn`, and gives it so many milliseconds in all. Throws an `EtcdError`, or at the end of the run what its
   * signal says; what was asked of etcd may go on there.
   */
  async call<T>(
    fn: (options: CallOptions) => Promise<T>,
    timeoutMs = this.settings.commandTimeoutMs,
  ): Promise<T> {
    const unlessEnded = (options: CallOptions): Promise<T> => {
      this.signal.throwIfAborted(); // nothing new is asked of etcd once the run is to end
      return fn(options);
    };
    this.signal.throwIfAborted();
    return abortable(this.callToTheEnd(unlessEnded, timeoutMs), this.signal);
  }

  /** The same, also when the run has been told to end: to clean up. */
  async callToTheEnd<T>(fn: (options: CallOptions) => Promise<T>, timeoutMs: number): Promise<T> {
    return timed(timeoutMs, (signal) =>
      this.withToken(async (token) => {
        signal.throwIfAborted(); // signing in took too long: nobody waits for what would come of it
        return fn(callOptions(token, signal));
      }),
    );
  }

  /**
   * Does `work` with a token that etcd takes; undefined without authentication. Where etcd refuses the token (it is
   * too old, the member has forgotten it at a restart, or users or roles were changed since: etcd#13300) the work is
   * done once more with a new one, as etcd's own client does it. That is safe for every call, also for one that must
   * never be done twice: etcd looks at the token before it does anything, so what it refused for that has not begun.
   * @throws EtcdError
   */
  async withToken<T>(work: (token: string | undefined) => Promise<T>): Promise<T> {
    try {
      const token = await this.tokens?.get();
      try {
        return await work(token);
      } catch (error) {
        if (token === undefined || toEtcdError(error).code !== 'token') throw error;
        this.tokens?.refuse(token);
      }
      return await work(await this.tokens?.get());
    } catch (error) {
      throw toEtcdError(error);
    }
  }

  /** etcd3 looks for `hashKV` on its gRPC client, where the method is called `HashKV`. */
  hashKV(
    revision: number,
    timeoutMs: number,
  ): Promise<{ header: unknown; hash: number; compact_revision: string }> {
    return this.call((options) => this.pool.exec('Maintenance', 'HashKV', { revision }, options), timeoutMs);
  }

  /** Status with the fields that etcd3 does not know, among them the quota. */
  fullStatus(timeoutMs?: number): Promise<object> {
    const { path, requestSerialize, responseDeserialize } = statusMethod();
    return this.call(
      (options) =>
        this.pool.withConnection('Maintenance', ({ client, metadata }) =>
          unary<object>((settle) =>
            client.makeUnaryRequest(
              path,
              requestSerialize,
              responseDeserialize,
              {},
              metadata,
              options,
              settle,
            ),
          ),
        ),
      timeoutMs,
    );
  }

  /** Resolves once connected; an `EtcdError` when that takes longer than the dial timeout. */
  async dial(): Promise<void> {
    const { dialTimeoutMs } = this.settings;
    this.signal.throwIfAborted();
    const connected = inTime(
      dialTimeoutMs,
      () => dialTimeout(dialTimeoutMs),
      () => this.pool.withConnection('Maintenance', ({ client }) => ready(client)),
    );
    await abortable(connected, this.signal);
  }

  /** etcd3's own way to sign in opens a channel beside this one, without our options, and never closes it. */
  private async signIn({ username, password }: NonNullable<EtcdSettings['credentials']>): Promise<string> {
    const { token } = await timed(this.settings.commandTimeoutMs, (signal) =>
      this.auth.authenticate({ name: username, password }, callOptions(undefined, signal)),
    );
    if (token === '') throw new EtcdError('other', 'the member took the password and gave no token');
    return token;
  }
}

/** For gRPC's resolver, which would take a host of the name `unix` or `ipv4` for a scheme of its own. */
const targetOf = (endpoint: string): string => endpoint.replace(/^https?:\/\//, 'dns:');

/** An `EtcdError` of what the work throws, and when it takes longer than so many milliseconds. */
async function timed<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await inTime(timeoutMs, () => noAnswerWithin(timeoutMs), work);
  } catch (error) {
    throw toEtcdError(error);
  }
}

/** Resolves once connected. How long that may take is the caller's to say: gRPC takes a date. */
const ready = (client: Client): Promise<void> =>
  new Promise((resolve, reject) => {
    client.waitForReady(Infinity, (error) => (error ? reject(error) : resolve()));
  });

const noAnswerWithin = (timeoutMs: number): EtcdError =>
  new EtcdError('timeout', `Deadline exceeded: no answer within ${(timeoutMs / 1000).toFixed(1)} s`);

export const dialTimeout = (timeoutMs: number): EtcdError =>
  new EtcdError('timeout', `no connection within ${timeoutMs / 1000} s`);
