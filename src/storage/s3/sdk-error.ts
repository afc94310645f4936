/** The name that S3 or the system gives an error: `NoSuchBucket`, `ECONNREFUSED`. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** The HTTP status of an answer, undefined where none came. */
export function statusOf(error: Error): number | undefined {
  return numberOf(error, 'httpStatusCode');
}

/** How often the request was sent. */
export function attemptsOf(error: Error): number {
  return numberOf(error, 'attempts') ?? 1;
}

/** A plain word that stands in a header of the answer. */
export function headerOf(error: Error, name: string): string | undefined {
  const response = '$response' in error ? Object(error.$response) : {};
  const value: unknown = Object(response.headers)[name];
  return typeof value === 'string' && /^[a-z0-9-]{1,40}$/.test(value) ? value : undefined;
}

/** The SDK adds the fields of `$metadata` to what it throws, also to errors that are not its own. */
function numberOf(error: Error, field: string): number | undefined {
  if (!('$metadata' in error) || typeof error.$metadata !== 'object' || error.$metadata === null)
    return undefined;
  const value = Object.entries(error.$metadata).find(([name]) => name === field)?.[1];
  return typeof value === 'number' ? value : undefined;
}
