/** The parameters of an S3 store's URL that are no tags. */
const PARAMETERS = [
  'forcePathStyle',
  'serverSideEncryption',
  'kmsKeyId',
  'storageClass',
  'objectLockMode',
  'objectLockDays',
  'objectLockUntil',
];
/** What the name of a parameter begins with whose rest is a tag's name. */
export const TAG = 'tag.';

/** The query of an S3 store's URL: every name once, none without a value. */
export type Parameters = ReadonlyMap<string, string>;

/** Throws an Error whose message goes on after the words "it " and holds no secret. */
export function parametersOf(search: URLSearchParams): Parameters {
  const found = new Map<string, string>();
  for (const [name, value] of search) {
    if (!PARAMETERS.includes(name) && !(name.startsWith(TAG) && name.length > TAG.length)) {
      throw new Error(
        `has the parameter ${plain(name)}, which should be one of ${PARAMETERS.join(', ')}, ${TAG}NAME`,
      );
    }
    if (found.has(name))
      throw new Error(`has the parameter ${plain(name)} twice, and it should be there once`);
    if (value === '')
      throw new Error(`has the parameter ${plain(name)} without a value; give it one or leave it out`);
    found.set(name, value);
  }
  return found;
}

/** A name may be shown; what is put in its place by mistake may be a secret. */
export const plain = (name: string): string => (/^[a-z][a-zA-Z.-]{0,30}$/.test(name) ? name : '(not shown)');

/** The value of one that only takes a few. Throws as `parametersOf` does. */
export function oneOf<T extends string>(
  parameters: Parameters,
  name: string,
  allowed: readonly T[],
): T | undefined {
  const given = parameters.get(name);
  if (given === undefined) return undefined;
  const found = allowed.find((value) => value === given);
  if (found === undefined)
    throw new Error(`has a wrong ${name}, which should be one of ${allowed.join(', ')}`);
  return found;
}
