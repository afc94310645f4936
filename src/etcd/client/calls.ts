import {
  type Client,
  InterceptingCall,
  type Interceptor,
  type Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';

/** How one call is made. */
export interface CallOptions {
  interceptors: Interceptor[];
}

/**
 * A call that shows this token and is given up by this signal. No deadline of gRPC's: that is a date, so whoever sets
 * the clock while a call waits for its connection would end it at once or never.
 */
export const callOptions = (token: string | undefined, signal: AbortSignal): CallOptions => ({
  interceptors: [
    (options, nextCall) => {
      const call = new InterceptingCall(nextCall(options), {
        start(metadata, listener, next) {
          if (token !== undefined) metadata.set('token', token);
          next(metadata, listener);
        },
      });
      signal.addEventListener('abort', () => call.cancelWithStatus(status.CANCELLED, 'given up'), {
        once: true,
      });
      return call;
    },
  ],
});

/** What settles a unary call. */
export type Settle<T> = (error: ServiceError | null, answer?: T) => void;

/** One unary call that is started by `start`, as a promise. */
export const unary = <T>(start: (settle: Settle<T>) => unknown): Promise<T> =>
  new Promise((resolve, reject) => {
    start((error, answer) =>
      answer === undefined ? reject(error ?? new Error('no answer')) : resolve(answer),
    );
  });

/**
 * One unary call by its name at a client of one of etcd3's services. etcd3's own way to make it repeats a call whose
 * token is invalid for as long as the server says so, without a pause.
 */
export const unaryByName = <T>(
  client: Client,
  method: string,
  request: unknown,
  metadata: Metadata,
  options: object,
): Promise<T> =>
  unary<T>((settle) => Reflect.get(client, method).call(client, request, metadata, options, settle));
