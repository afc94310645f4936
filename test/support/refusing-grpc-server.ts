import { fileURLToPath } from 'node:url';
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface RefusingServer extends AsyncDisposable {
  readonly port: number;
}

const proto = fileURLToPath(new URL('../proto/rpc.proto', import.meta.resolve('etcd3')));

/** What a caller wants to hear: the key of its Range. */
export const refusalKey = (code: number, message: string): string => JSON.stringify({ code, message });
/** The key for which no answer ever comes. */
export const SILENCE = 'silence';

/** A gRPC server with etcd's KV service that refuses each Range with the status which its key asks for. */
export async function startRefusingServer(
  credentials = ServerCredentials.createInsecure(),
): Promise<RefusingServer> {
  const server = new Server();
  const service = loadSync(proto)['etcdserverpb.KV'];
  if (!isService(service)) throw new Error(`${proto} has no service KV`);
  server.addService(service, { range });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { port, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

/** The loader types whatever it finds in the file as one of everything that it could be. */
const isService = (found: object | undefined): found is ServiceDefinition =>
  found !== undefined && 'Range' in found;

function range({ request }: ServerUnaryCall<{ key: Buffer }, never>, answer: sendUnaryData<never>): void {
  const key = request.key.toString();
  if (key === SILENCE) return;
  const { code = status.UNKNOWN, message = key } = JSON.parse(key);
  answer({ code, details: message });
}
