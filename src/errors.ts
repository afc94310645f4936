/**
 * The closed set of ways a run can fail. Every kind has one exit code (`exitCodeOf`), and the switch there is
 * exhaustive: a new kind without a code does not compile.
 *
 * - `configuration`: the environment is wrong, or etcd refuses the password or a right (2)
 * - `unreachable`: no voting member could be asked (3)
 * - `backup`: the backup failed or could not be proved; nothing was changed (4)
 * - `step`: backed up, but a later step failed (5)
 * - `refused`: backed up, but a later step was not safe to do (5)
 * - `locked`: another run holds the lock (6)
 * - `interrupted`: SIGTERM or SIGINT (143, 130)
 */
export type FailureKind =
  | 'configuration'
  | 'unreachable'
  | 'backup'
  | 'step'
  | 'refused'
  | 'locked'
  | 'interrupted';

/** An error whose message says all there is to say, the words of its cause among them; the cause is for a stack. */
export class ExplainedError extends Error {}

/**
 * A failure that was foreseen. Its message is for an operator: what failed, where, why, what it means for the
 * cluster and what to do. Anything else that is thrown is a bug and ends with exit code 1 and its stack.
 */
export class Failure extends ExplainedError {
  override readonly name = 'Failure';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export const isFailure = (error: unknown, kind: FailureKind): error is Failure =>
  error instanceof Failure && error.kind === kind;

/** The signals that end a run early. */
export type EndSignal = 'SIGTERM' | 'SIGINT';

/** What an abort signal carries when the process was asked to end. */
export class Interrupted extends Failure {
  readonly signal: EndSignal;

  constructor(signal: EndSignal) {
    super('interrupted', `ended by ${signal}`);
    this.signal = signal;
  }
}

/** The exit code for whatever ended a run early. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.signal === 'SIGTERM' ? 143 : 130;
  if (!(error instanceof Failure)) return 1;
  switch (error.kind) {
    case 'configuration':
      return 2;
    case 'unreachable':
      return 3;
    case 'backup':
      return 4;
    case 'step':
    case 'refused':
      return 5;
    case 'locked':
      return 6;
    case 'interrupted':
      return 143;
    default:
      return error.kind satisfies never;
  }
}

/**
 * Whether only a mistake in this program throws it: that must not pass for a failure of etcd or of the store. What Node
 * itself refuses has a code.
 */
export const isBug = (error: unknown): boolean =>
  (error instanceof TypeError || error instanceof ReferenceError) && !('code' in error);

/** What an error says, in one line. To one that is not ours the causes are added that it does not tell itself. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ExplainedError) return error.message;
  // Node's own for a host whose addresses all refused: it has no message.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  const cause = error.cause instanceof Error ? messageOf(error.cause) : '';
  if (cause === '' || error.message.includes(cause)) return error.message;
  return `${error.message}: ${cause}`;
}
