/** What can be wrong with the structure of a database, in words that go on after the page that it is. */
const WORDS = {
  'no-page': 'no page of the tree begins there, though the tree leads to it',
  outside: 'the tree leads to it, and the file has no such page',
  twice: 'it is reached twice',
  'overflow-outside': 'it goes on behind the end of the file',
  element: 'an element of it lies outside of it, or not where the one before it ends',
  'element-kind': 'an element of it is of no kind that etcd writes there',
  'key-size': 'a key in it has a length that none can have',
  'key-order': 'its keys are not in order',
  'out-of-place': 'its keys do not fit between those of the pages around it',
  'no-revision': 'a key in it is no revision',
  'no-key-value': 'a value in it is no KeyValue of etcd',
  'no-lease': 'a value in it is no lease of etcd',
  'no-alarm': 'a key in it is no alarm of etcd',
  'too-deep': 'the branches above it are more than any database has',
  'no-children': 'it is a branch that leads nowhere',
  bucket: 'a bucket in it cannot be read',
  freelist: 'the list of free pages cannot be read',
  'free-and-used': 'it is used, and in the list of free pages',
  lost: 'nothing leads to it, and it is not in the list of free pages',
  'no-bucket': 'the bucket is missing',
  missing: 'the file ends before it does',
  'no-term': 'the term in it cannot be read',
  'no-consistent-index': 'there is no consistent_index in it that can be read',
  'no-compact-revision': 'a compact revision in it cannot be read',
} as const;

export type FindingCode = keyof typeof WORDS;

/** Something that is wrong, and where. */
export interface Finding {
  code: FindingCode;
  /** undefined where it is no single page */
  page?: number;
  /** undefined where it is the bucket of buckets */
  bucket?: string;
}

const isCode = (text: string): text is FindingCode => text in WORDS;

export const FINDING_CODES: readonly FindingCode[] = Object.keys(WORDS).filter(isCode);

export function describeFinding({ code, page, bucket }: Finding): string {
  const where = [
    ...(page === undefined ? [] : [`page ${page}`]),
    ...(bucket === undefined ? [] : [`bucket ${bucket}`]),
  ].join(', ');
  return `${where}: ${WORDS[code]}`;
}
