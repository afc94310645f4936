import { fileURLToPath } from 'node:url';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { shortField } from './raw-grpc.ts';

/** One message of etcd's snapshot stream, with the names of its API. */
export interface SnapshotMessage {
  header?: { cluster_id: string; member_id: string; revision: string; raft_term: string };
  remaining_bytes?: string | number;
  blob?: Buffer;
  /** from etcd 3.6; etcd3's copy of the API does not know it */
  version?: string;
}

const VERSION_FIELD = 4;

const proto = fileURLToPath(new URL('../proto/rpc.proto', import.meta.resolve('etcd3')));
const service = loadSync(proto, { keepCase: true })['etcdserverpb.Maintenance'];
const method = service && 'Snapshot' in service ? service.Snapshot : undefined;
if (!isMethod(method)) throw new Error(`${proto} has no Maintenance.Snapshot`);
const { responseSerialize } = method;

/** The loader types whatever it finds in the file as one of everything that it could be. */
function isMethod(found: unknown): found is MethodDefinition<object, SnapshotMessage> {
  return typeof found === 'object' && found !== null && 'responseSerialize' in found;
}

/** The message as it goes over the wire, without gRPC's header. */
export function encodeMessage({ version, ...message }: SnapshotMessage): Buffer {
  const known = responseSerialize(message);
  return version === undefined ? known : Buffer.concat([known, shortField(VERSION_FIELD, version)]);
}

/** With gRPC's header: whether it is compressed, and its length. */
export function frame(message: Buffer, flag = 0): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(flag);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

export const frames = (...messages: SnapshotMessage[]): Buffer =>
  Buffer.concat(messages.map((message) => frame(encodeMessage(message))));
