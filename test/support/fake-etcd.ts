import { fileURLToPath } from 'node:url';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO = fileURLToPath(new URL('../proto/rpc.proto', import.meta.resolve('etcd3')));
const SERVICES = ['KV', 'Watch', 'Lease', 'Cluster', 'Maintenance', 'Auth'];

/** The fields of a message as protobuf's JSON has them; those that are left out are zeros. */
export type Message = Record<string, unknown>;

/** A status to refuse a call with. */
export class Refusal extends Error {
  readonly code: status;
  constructor(code: status, details: string) {
    super(details);
    this.code = code;
  }
}

/** Makes the answer of a unary call; nothing for no answer ever. */
export type Unary = (request: Message, token: string | undefined) => Message | undefined | Promise<Message>;
/** Answers a call that streams. */
export type Stream = (call: ServerDuplexStream<Message, Message>) => void;

/** For what no real etcd says: a server whose answers are made by the test. What it has no answer for is refused. */
export interface FakeEtcd extends AsyncDisposable {
  readonly url: string;
  /** Method names in the order in which they arrived, such as `KV/Range`. */
  readonly calls: readonly string[];
}

export interface FakeAnswers {
  unary?: Record<string, Unary>;
  streams?: Record<string, Stream>;
}

/** @param credentials those of TLS; plain text without any */
export async function startFakeEtcd(
  { unary = {}, streams = {} }: FakeAnswers,
  credentials?: ServerCredentials,
): Promise<FakeEtcd> {
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  const calls: string[] = [];
  const definitions = loadSync(PROTO, { keepCase: true, longs: String, enums: String, defaults: true });

  function handlerOf(name: string) {
    const stream = streams[name];
    if (stream !== undefined) {
      return (call: ServerDuplexStream<Message, Message>): void => {
        calls.push(name);
        call.on('error', () => {}); // the client has gone
        stream(call);
      };
    }
    return (call: ServerUnaryCall<Message, Message>, answer: sendUnaryData<Message>): void => {
      calls.push(name);
      const token = call.metadata.get('token')[0];
      void answerWith(unary[name], call.request, token === undefined ? undefined : String(token), answer);
    };
  }

  for (const service of SERVICES) {
    const definition = definitions[`etcdserverpb.${service}`];
    if (!isService(definition)) throw new Error(`${PROTO} has no service ${service}`);
    const implementation: UntypedServiceImplementation = {};
    for (const method of Object.keys(definition)) {
      const known = `${service}/${method}`;
      // What streams and has no answer here is left out: the server refuses it by itself.
      const streaming = definition[method]?.requestStream || definition[method]?.responseStream;
      if (!streaming || streams[known]) implementation[method] = handlerOf(known);
    }
    server.addService(definition, implementation);
  }
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, at: number) => (error ? reject(error) : resolve(at));
    server.bindAsync('127.0.0.1:0', credentials ?? ServerCredentials.createInsecure(), bound);
  });
  return {
    url: `${credentials ? 'https' : 'http'}://127.0.0.1:${port}`,
    calls,
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

async function answerWith(
  handler: Unary | undefined,
  request: Message,
  token: string | undefined,
  answer: sendUnaryData<Message>,
): Promise<void> {
  if (handler === undefined) return answer({ code: status.UNIMPLEMENTED, details: 'not made up here' });
  try {
    const made = await handler(request, token);
    if (made !== undefined) answer(null, made);
  } catch (error) {
    answer(
      error instanceof Refusal ? { code: error.code, details: error.message } : { code: status.INTERNAL },
    );
  }
}

/** The loader types whatever it finds in the file as one of everything that it could be. */
const isService = (found: object | undefined): found is ServiceDefinition =>
  found !== undefined && !('format' in found);

/** The header that an answer of a member has. */
export const HEADER: Message = { cluster_id: '1', member_id: '2', revision: '10', raft_term: '3' };
