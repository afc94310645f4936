/** What starts beside something else ends with the scope, also where the other one failed before. */
export function adopt<T extends AsyncDisposable>(
  stack: AsyncDisposableStack,
  starting: Promise<T>,
): Promise<T> {
  stack.defer(async () => {
    const started = await starting.catch(() => undefined); // whoever awaits it is told
    await started?.[Symbol.asyncDispose]();
  });
  return starting;
}
