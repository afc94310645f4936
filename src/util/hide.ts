/**
 * The one place that removes secrets from texts that leave the process. It knows the secrets by their values, so it
 * finds them in whatever others say of them: a server's refusal, a library's error.
 */

export interface Hiding {
  /** The same text without a secret in it. */
  readonly text: (text: string) => string;
  /** The same plain data, that which JSON can hold, in whose texts is none. */
  readonly data: <T>(value: T) => T;
}

const HIDDEN = '***';

/** What is a secret wherever it comes from: identities of age, private keys, the IDs of AWS's access keys, signed tokens. */
const ALWAYS =
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|AGE-SECRET-KEY-1[A-Z0-9]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?|\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b/gi;

/**
 * @param secrets what must not be told, as it is; the ways in which it may be written are found here
 * @param isPublic whether a field of data that holds this text and no other is public, whatever the secrets are: a password
 * that begins like the cluster's name must not cost programs that name
 */
export function hidingOf(
  secrets: readonly string[],
  isPublic: (text: string) => boolean = () => false,
): Hiding {
  const forms = secrets
    .flatMap(formsOf)
    // Texts are compared without their whitespace.
    .map((form) => form.replaceAll(/\s/g, ''))
    .filter(isTelling)
    // The longest first: a part of it may be a form too.
    .toSorted((one, other) => other.length - one.length);
  const unique = [...new Set(forms)];
  const text = (from: string): string =>
    unique.reduce((left, form) => without(left, form), from.replaceAll(ALWAYS, HIDDEN));
  const hideOne = (_: string, value: unknown): unknown =>
    typeof value === 'string' && !isPublic(value) ? text(value) : value;
  return { text, data: (value) => JSON.parse(JSON.stringify(value), hideOne) };
}

/** As it is; in a URL; in base64; within JSON; within HTML or XML. */
function formsOf(secret: string): string[] {
  const encoded = attemptEncode(secret);
  const markup = secret
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  return [
    secret,
    encoded,
    encoded.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    JSON.stringify(secret).slice(1, -1),
    markup,
    markup.replaceAll("'", '&#39;'),
  ];
}

function attemptEncode(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text; // half of a surrogate pair
  }
}

/** A short common word would blank what everybody says; it cannot be told from a secret that is one. */
const isTelling = (form: string): boolean => form.length >= 8 || (form.length >= 6 && /[^a-z]/.test(form));

/** From here on a secret that was cut is found as well: half of it, and never less than this. */
const LEAST_PART = 8;

function without(text: string, form: string): string {
  const least = Math.min(form.length, Math.max(LEAST_PART, Math.ceil(form.length / 2)));
  const first = form.charAt(0);
  let left = '';
  let done = 0;
  for (let at = text.indexOf(first); at >= 0; at = text.indexOf(first, at + 1)) {
    if (at < done) continue;
    const end = endOf(text, at, form, least);
    if (end === undefined) continue;
    left += text.slice(done, at) + HIDDEN;
    done = end;
  }
  return left + text.slice(done);
}

/** Where in the text the form ends that begins at `at`, be it split over lines; undefined where too little of it is there. */
function endOf(text: string, at: number, form: string, least: number): number | undefined {
  let known = 0;
  let end = at;
  for (let index = at; index < text.length && known < form.length; index += 1) {
    const sign = text.charAt(index);
    if (sign === form.charAt(known)) {
      known += 1;
      end = index + 1;
    } else if (!/\s/.test(sign)) break;
  }
  return known >= least ? end : undefined;
}
