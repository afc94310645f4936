import { readFile } from 'node:fs/promises';
import { connect, type ClientHttp2Session } from 'node:http2';

export type Json = Record<string, unknown>;

/** How a change is written: whole, as a patch of the kinds that Kubernetes knows, or as what its owner applies. */
export type Change = 'merge' | 'strategic' | 'apply';

/** Writes to an API server. Each call throws with the server's answer when that is no success. */
export interface Api extends Disposable {
  /** `path` is the collection's. */
  create(path: string, manager: string, object: Json): Promise<void>;
  change(path: string, manager: string, how: Change, patch: Json): Promise<void>;
  /** At once with `graceSeconds` 0; else as long as a kubelet takes. */
  remove(path: string, graceSeconds?: number): Promise<void>;
  /** False where nothing is served there, or not yet. */
  serves(path: string): Promise<boolean>;
}

interface Call {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  type?: string;
  body?: Json;
}

const CONTENT_TYPES: Record<Change, string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};
/** Go's servers handle what comes over one connection partly one after another. */
const CONNECTIONS = 4;
/** A resource that is not known, and one whose storage is being made. */
const NOT_YET = [404, 429];
/** Nobody reads the answers, and protobuf is what costs the server least; custom resources have only JSON. */
const ACCEPT = 'application/vnd.kubernetes.protobuf, application/json';

/** `authority` is the path of the certificate that signs the server's. */
export async function connectApi(url: string, authority: string, token: string): Promise<Api> {
  const ca = await readFile(authority);
  const sessions = Array.from({ length: CONNECTIONS }, () => {
    const session = connect(url, { ca, servername: 'localhost' });
    session.on('error', () => {}); // every open call rejects
    return session;
  });
  let next = 0;
  const send = async (call: Call): Promise<void> => {
    const session = sessions[next++ % CONNECTIONS];
    if (session === undefined) throw new Error('no connection');
    const { status, text } = await answerTo(session, call, token);
    if (status < 200 || status > 299)
      throw new ApiError(`${call.method} ${call.path}: ${status} ${text}`, status);
  };
  return {
    create: (path, manager, body) =>
      send({ method: 'POST', path: `${path}?fieldManager=${manager}`, type: 'application/json', body }),
    change: (path, manager, how, body) =>
      send({
        method: 'PATCH',
        path: `${path}?fieldManager=${manager}${how === 'apply' ? '&force=true' : ''}`,
        type: CONTENT_TYPES[how],
        body,
      }),
    remove: (path, graceSeconds) =>
      send({
        method: 'DELETE',
        path: graceSeconds === undefined ? path : `${path}?gracePeriodSeconds=${graceSeconds}`,
      }),
    serves: (path) =>
      send({ method: 'GET', path }).then(
        () => true,
        (error: unknown) => {
          if (error instanceof ApiError && NOT_YET.includes(error.status)) return false;
          throw error;
        },
      ),
    [Symbol.dispose]: () => {
      for (const session of sessions) session.destroy();
    },
  };
}

class ApiError extends Error {
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

function answerTo(
  session: ClientHttp2Session,
  { method, path, type, body }: Call,
  token: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': method,
      ':path': path,
      accept: ACCEPT,
      authorization: `Bearer ${token}`,
      ...(type !== undefined && { 'content-type': type }),
    });
    let status = 0;
    let text = '';
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
      if (status < 300) stream.resume();
      else stream.on('data', (part: Buffer) => (text += part.toString()));
    });
    stream.on('error', reject);
    stream.on('close', () => resolve({ status, text }));
    stream.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
