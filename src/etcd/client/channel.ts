import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { type IPolicy, noop } from 'cockatiel';
import { toEtcdError } from '../errors.ts';

/** What is switched off of gRPC's and etcd3's own ideas of a connection. */

// It would write lines of its own between those of the log, say of a connection that a peer told to go away; what they
// mean for a call is in that call's error.
setLogVerbosity(logVerbosity.NONE);

// Without these a member that comes back after a restart is tried again only after up to two minutes, and a peer that
// vanished without a word (a node that lost power) is never noticed.
export const CHANNEL_OPTIONS = {
  // What one message may have, compressed or not. The largest that is asked for is one key with its value, of which
  // etcd takes 1.5 MiB unless it is told otherwise.
  'grpc.max_receive_message_length': 4 << 20,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 20_000,
  // Whoever answers for a DNS name could else have gRPC repeat calls (a retry policy in a TXT record), a defragmentation too.
  'grpc.service_config_disable_resolution': 1,
  // A proxy that the pod's environment names for the world outside is not the way to etcd.
  'grpc.enable_http_proxy': 0,
};

/**
 * After many errors of one call etcd3 closes its channel, and with it every other call that still waits there: a lease
 * that was not renewed in time would end the defragmentation that it waited for. It knows those errors by their class,
 * so they leave its policy as ours. The channel connects anew by itself.
 */
export const keepChannel: IPolicy = {
  _altReturn: noop._altReturn,
  onSuccess: noop.onSuccess,
  onFailure: noop.onFailure,
  execute: (fn, signal) =>
    noop.execute(fn, signal).catch((error: unknown) => {
      throw toEtcdError(error);
    }),
};
