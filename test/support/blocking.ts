/**
 * Loaded into the process of every test file. Those are ended by `--test-force-exit` (after some tests that cut
 * connections Node would spin for ever at its end), and what the runner has not read by then of the results would be
 * lost: a test that went well would not be counted. So nothing is left unread: a write waits for its reader.
 */
interface Output {
  fd: number;
  /** Not documented, and in no type of Node's; there is no other way. Where it is gone, so is the count. */
  _handle?: { setBlocking?(on: boolean): void };
}

const { _handle: pipe }: Output = process.stdout;
pipe?.setBlocking?.(true);
