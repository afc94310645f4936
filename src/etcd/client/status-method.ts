import { fileURLToPath } from 'node:url';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';

/**
 * `Maintenance.Status`, the one method that is called with our own copy of its messages (status.proto): etcd3 does not
 * know all of their fields, among them the quota.
 */
export type StatusMethod = MethodDefinition<object, object>;

const PROTO = fileURLToPath(new URL('status.proto', import.meta.url));
let parsed: StatusMethod | undefined;

/** Parsed on first use. */
export function statusMethod(): StatusMethod {
  parsed ??= parse();
  return parsed;
}

function parse(): StatusMethod {
  const service = loadSync(PROTO, { keepCase: true, longs: String, defaults: true })[
    'etcdserverpb.Maintenance'
  ];
  const method = service && 'Status' in service ? service.Status : undefined;
  if (!isMethod(method)) throw new Error('status.proto has no Maintenance.Status');
  return method;
}

/** The loader types whatever it finds in the file as one of everything that it could be. */
const isMethod = (found: unknown): found is StatusMethod =>
  typeof found === 'object' && found !== null && 'requestSerialize' in found;

/** A Status answer that came by another way than gRPC's client. */
export const decodeStatus = (message: Buffer): object => statusMethod().responseDeserialize(message);
