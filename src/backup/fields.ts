/** What is wrong with a JSON text, in words that name the field. */
export class FieldProblem extends Error {
  override readonly name = 'FieldProblem';
}

/** Characters of one text at the most. Who writes for people has to cut what is longer. */
export const MAX_TEXT = 1024;

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/;
const SECONDS = 'YYYY-MM-DDTHH:MM:SS'.length;
const SHA256 = /^[0-9a-f]{64}$/;
const ID = /^[0-9a-f]{1,16}$/;

/** The object that a JSON text holds. @throws FieldProblem */
export const parseFields = (json: string): Fields => new Fields(parseJson(json), '');

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new FieldProblem('it is not JSON', { cause: error });
  }
}

/**
 * The fields of one JSON object. Every method but `has` throws a `FieldProblem` when its field is not as asked for, or
 * larger than anybody who means well would make it: what is read is kept, for hundreds of manifests at once.
 */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  /** Where the object lies in the text, for messages; empty for the whole text. */
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new FieldProblem(path === '' ? 'it is not a JSON object' : `"${path}" is not an object`);
    }
    this.#values = new Map(Object.entries(value));
    this.#path = path;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  object(name: string): Fields {
    return new Fields(this.#values.get(name), this.#pathOf(name));
  }

  /** At most `most` of them. */
  objects(name: string, most: number): Fields[] {
    const found = this.#values.get(name);
    if (!Array.isArray(found)) throw this.#problem(name, 'a list of objects');
    if (found.length > most) throw this.#problem(name, `a list of at most ${most} objects`);
    return found.map((item: unknown, index) => new Fields(item, `${this.#pathOf(name)}[${index}]`));
  }

  /** Of at most so many characters. */
  text(name: string, most = MAX_TEXT): string {
    const found = this.#values.get(name);
    if (typeof found !== 'string') throw this.#problem(name, 'a text');
    if (found.length > most) throw this.#problem(name, `a text of at most ${most} characters`);
    return found;
  }

  /** At most `most` of them, of at most `MAX_TEXT` characters each. */
  texts(name: string, most: number): string[] {
    const found = this.#values.get(name);
    if (!Array.isArray(found)) throw this.#problem(name, 'a list of texts');
    if (found.length > most) throw this.#problem(name, `a list of at most ${most} texts`);
    return found.map((item: unknown) => {
      if (typeof item !== 'string') throw this.#problem(name, 'a list of texts');
      if (item.length > MAX_TEXT)
        throw this.#problem(name, `a list of texts of at most ${MAX_TEXT} characters`);
      return item;
    });
  }

  oneOf<T extends string | number>(name: string, allowed: readonly T[]): T {
    const found = allowed.find((one) => one === this.#values.get(name));
    if (found === undefined) throw this.#problem(name, allowed.join(' or '));
    return found;
  }

  /** A whole number that JavaScript holds exactly, at least `least`. */
  integer(name: string, least = 0): number {
    const found = this.#values.get(name);
    if (typeof found !== 'number' || !Number.isSafeInteger(found) || found < least) {
      throw this.#problem(name, `a whole number of at least ${least}`);
    }
    return found;
  }

  /** RFC 3339 in UTC. */
  time(name: string): string {
    const found = this.text(name);
    if (!isTime(found)) throw this.#problem(name, 'a time in UTC');
    return found;
  }

  /** Lower-case hex. */
  sha256(name: string): string {
    return this.#matching(name, SHA256, 'a SHA-256 in hex');
  }

  /** etcd's number for a member or a cluster, in lower-case hex. */
  id(name: string): string {
    return this.#matching(name, ID, 'an ID of etcd in hex');
  }

  #matching(name: string, pattern: RegExp, expected: string): string {
    const found = this.text(name);
    if (!pattern.test(found)) throw this.#problem(name, expected);
    return found;
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #problem(name: string, expected: string): FieldProblem {
    const given = this.has(name) ? `is not ${expected}` : 'is missing';
    return new FieldProblem(`"${this.#pathOf(name)}" ${given}`);
  }
}

/** Date takes 30 February for 2 March; the way back shows it. */
function isTime(text: string): boolean {
  if (!TIME.test(text)) return false;
  const at = new Date(text);
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, SECONDS) === text.slice(0, SECONDS);
}
