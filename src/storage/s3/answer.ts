import type { S3Client } from '@aws-sdk/client-s3';
import { readBounded, TooManyBytes } from '../../util/bounded.ts';
import { readByPieces } from '../../util/bounded-answers.ts';
import { formatBytes } from '../../util/format.ts';

/**
 * What answers need not be S3: a console on the next port, the page of a proxy, a portal that wants a login. The SDK
 * takes whatever has a status of 2xx for a success and leaves out the fields that are not there. So an answer is looked
 * at before the SDK reads it: nothing is concluded from one that is not S3's, and none is read without a bound.
 */

/** An answer that S3 does not give. Its message is the reason, for a person. */
export class UnfitAnswer extends Error {}

/** What S3 answers a command with when it succeeds. */
type Success =
  /** XML with this element at its root; a list also says whether there is more of it. */
  | { readonly root: string; readonly isList?: true }
  /** No body; with an `ETag` where something was stored. */
  | { readonly stored: boolean }
  /** What the object says about itself, and for GetObject its bytes. */
  | { readonly object: 'head' | 'bytes' };

const COMPLETION = 'CompleteMultipartUploadCommand';

const SUCCESSES: Readonly<Record<string, Success>> = {
  ListObjectsV2Command: { root: 'ListBucketResult', isList: true },
  ListMultipartUploadsCommand: { root: 'ListMultipartUploadsResult', isList: true },
  CreateMultipartUploadCommand: { root: 'InitiateMultipartUploadResult' },
  [COMPLETION]: { root: 'CompleteMultipartUploadResult' },
  CreateSessionCommand: { root: 'CreateSessionResult' }, // the SDK's own, for a directory bucket
  PutObjectCommand: { stored: true },
  UploadPartCommand: { stored: true },
  DeleteObjectCommand: { stored: false },
  AbortMultipartUploadCommand: { stored: false },
  HeadObjectCommand: { object: 'head' },
  GetObjectCommand: { object: 'bytes' },
};

/** A page of 1,000 keys of 1 KiB, of characters that XML writes with six, has less. The SDK reads it into memory. */
const MAX_ANSWER_BYTES = 8 * 2 ** 20;
/** Begins and ends of elements. A page has some thirty thousand; the SDK makes a hundred bytes and more of each. */
const MAX_TAGS = 100_000;

/** As the SDK's HTTP handler gives it. */
interface Answer {
  statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  body: AsyncIterable<Uint8Array> | Uint8Array;
}

/** The same client, which takes no answer that is not S3's. */
export function checkingAnswers(client: S3Client): S3Client {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args);
        if (isAnswer(result.response)) await check(commandName, result.response);
        return result;
      },
    // The last of its step: it sees the answer as it came, before anything of the SDK does.
    { name: 'checkAnswer', step: 'deserialize', priority: 'low' },
  );
  return client;
}

function isAnswer(response: unknown): response is Answer {
  return typeof response === 'object' && response !== null && 'statusCode' in response && 'body' in response;
}

async function check(command: string, answer: Answer): Promise<void> {
  const expected = SUCCESSES[command];
  if (expected === undefined) throw new TypeError(`nobody said what S3 answers ${command} with`);
  const succeeded = answer.statusCode < 300;
  if (succeeded && 'object' in expected && expected.object === 'bytes') {
    checkObject(answer);
    return readByPieces(answer.body);
  }
  const body = await readWhole(answer);
  checkSize(body);
  answer.body = body;
  if (!succeeded) return checkRefusal(answer, body, expected);
  if ('object' in expected) return checkObject(answer);
  if ('stored' in expected) return checkStored(answer, body, expected.stored);
  checkRoot(command, answer, body, expected.root);
  if (expected.isList && answer.statusCode < 300) checkEnd(body);
}

async function readWhole({ body }: Answer): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  try {
    // Ended by the request's own signal and time, which break the connection.
    return await readBounded(body, MAX_ANSWER_BYTES, new AbortController().signal);
  } catch (error) {
    if (!(error instanceof TooManyBytes)) throw error;
    throw new UnfitAnswer(`its answer has more than ${formatBytes(MAX_ANSWER_BYTES)}`);
  }
}

function checkSize(body: Uint8Array): void {
  const mark = '<'.charCodeAt(0);
  let count = 0;
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + 1)) count += 1;
  if (count > MAX_TAGS) throw new UnfitAnswer(`its answer has ${count} tags`);
}

/** That something is not there is concluded from a 404: a web server says so of everything. HEAD has no body to tell by. */
function checkRefusal({ statusCode }: Answer, body: Uint8Array, expected: Success): void {
  if (statusCode !== 404 || ('object' in expected && expected.object === 'head' && body.length === 0)) return;
  if (rootOf(body) !== 'Error') throw new UnfitAnswer('its 404 is not one of S3');
}

/** Backups are no web pages, whoever uploaded them. That it is theirs is proved by what is in them. */
function checkObject(answer: Answer): void {
  if (!/^text\/html\b/i.test(answer.headers['content-type'] ?? '')) return;
  if (!(answer.body instanceof Uint8Array)) drop(answer.body);
  throw new UnfitAnswer('it answered with a web page');
}

function checkStored({ headers }: Answer, body: Uint8Array, stored: boolean): void {
  if (body.some((byte) => !SPACE.includes(byte))) throw new UnfitAnswer('it answered with a page of its own');
  if (stored && (headers['etag'] ?? '') === '')
    throw new UnfitAnswer('it did not say what it stored (no ETag)');
}

function checkRoot(command: string, answer: Answer, body: Uint8Array, expected: string): void {
  if (body.length === 0 && command === COMPLETION) return; // S3 broke off; the SDK knows it, and tries again
  const root = rootOf(body);
  // A completion takes long, and S3 says 200 before it knows the end. The SDK misses it where a line break follows.
  if (root === 'Error') answer.statusCode = 503;
  else if (root !== expected) throw new UnfitAnswer(`its answer is no ${expected}`);
}

/** The SDK takes whatever is no `true`, ` true ` for one, for the word that the list is whole. */
function checkEnd(body: Uint8Array): void {
  if (!SAYS_WHETHER_MORE.test(Buffer.from(body).toString('latin1')))
    throw new UnfitAnswer('its list does not say whether there is more');
}

const SAYS_WHETHER_MORE = /<(?:[\w.-]{1,40}:)?IsTruncated>(?:true|false)<\//i;

const SPACE = Buffer.from(' \t\r\n');
/** What stands before the first element: a byte order mark, declarations, comments. */
const ROOT = /^\uFEFF?(?:\s|<\?[^>]{0,200}\?>|<!--[^>]{0,1000}-->)*<(?:[\w.-]{1,40}:)?([\w.-]{1,60})[\s/>]/;
const ROOT_BYTES = 2 ** 12;

/** The name of the root element of an XML document; undefined where it is none. */
function rootOf(body: Uint8Array): string | undefined {
  const start = body.findIndex((byte) => !SPACE.includes(byte)); // what keeps a connection alive during a completion
  if (start < 0) return undefined;
  return ROOT.exec(Buffer.from(body.subarray(start, start + ROOT_BYTES)).toString('utf8'))?.[1];
}

function drop(body: object): void {
  if ('destroy' in body && typeof body.destroy === 'function') body.destroy();
}
