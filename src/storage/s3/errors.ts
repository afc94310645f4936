import { Failure, isBug, messageOf } from '../../errors.ts';
import { refusal } from '../file/errors.ts';
import { type S3Request, explain } from './explanations.ts';
import { attemptsOf, codeOf, statusOf } from './sdk-error.ts';

/** Does `work`; what S3, the network or the SDK refuses becomes a `Failure`. @throws the signal's reason when it says so */
export async function attempt<T>(asked: S3Request, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    throw s3Failure(asked, error);
  }
}

/** A mistake of this program comes back as it is, and so does what has its words already. */
export function s3Failure(asked: S3Request, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Failure || isBug(error)) return error;
  const { action, target, consequence = '' } = asked;
  const { why, advice } = explain(asked, error);
  return refusal(`could not ${action} ${target}: ${why}${said(error)}`, advice, consequence, error);
}

const MAX_SAID = 240;
/** How AWS writes an access key's ID. */
const KEY_ID = /\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b/g;

/** What the server or the system said: in one line, bounded, and without what belongs to the credentials. */
function said(error: Error): string {
  const tries = attemptsOf(error);
  const text = messageOf(error).replaceAll(KEY_ID, '***').replaceAll(/\s+/g, ' ').slice(0, MAX_SAID);
  const parts = [codeOf(error), text, tries > 1 ? `tried ${tries} times` : ''];
  return ` (${parts.filter((part) => part !== '').join(', ')})`;
}

/** Whether a failure says that there is no such object. */
export function isMissing(failure: unknown): boolean {
  return hasCause(failure, (cause) => ['NoSuchKey', 'NotFound'].includes(cause.name));
}

/** Whether a server does not know conditional writes: then the look at the name just before has to do. */
export function refusesConditions(failure: unknown): boolean {
  return hasCause(
    failure,
    (cause) =>
      statusOf(cause) === 501 ||
      cause.name === 'NotImplemented' ||
      (statusOf(cause) === 400 && /if-none-match/i.test(cause.message)),
  );
}

function hasCause(failure: unknown, fits: (cause: Error) => boolean): boolean {
  return failure instanceof Failure && failure.cause instanceof Error && fits(failure.cause);
}
