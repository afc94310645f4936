/** What is wrong with a JSON text, in words that name the field. */
export class FieldProblem extends Error {
  override readonly name = 'FieldProblem';
}

/** The fields of one JSON object. Every method throws a `FieldProblem` when its field is not as asked for. */
export interface Fields {
  has(name: string): boolean;
  object(name: string): Fields;
  text(name: string): string;
  texts(name: string): string[];
  oneOf<T extends string | number>(name: string, allowed: readonly T[]): T;
  /** A whole number that JavaScript holds exactly, at least `least` (default 0). */
  integer(name: string, least?: number): number;
  /** RFC 3339 in UTC. */
  time(name: string): string;
  /** Lower-case hex. */
  sha256(name: string): string;
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** The object that a JSON text holds. */
export function parseFields(json: string): Fields {
  return fieldsOf(parseJson(json), '');
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new FieldProblem('it is not JSON', { cause: error });
  }
}

function fieldsOf(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FieldProblem(path === '' ? 'it is not a JSON object' : `"${path}" is not an object`);
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const pathOf = (name: string) => (path === '' ? name : `${path}.${name}`);

  function problem(name: string, expected: string): FieldProblem {
    const given = fields.has(name) ? `is not ${expected}` : 'is missing';
    return new FieldProblem(`"${pathOf(name)}" ${given}`);
  }

  function text(name: string): string {
    const found = fields.get(name);
    if (typeof found !== 'string') throw problem(name, 'a text');
    return found;
  }

  function texts(name: string): string[] {
    const found = fields.get(name);
    if (!Array.isArray(found)) throw problem(name, 'a list of texts');
    return found.map((item: unknown) => {
      if (typeof item !== 'string') throw problem(name, 'a list of texts');
      return item;
    });
  }

  function oneOf<T extends string | number>(name: string, allowed: readonly T[]): T {
    const found = allowed.find((one) => one === fields.get(name));
    if (found === undefined) throw problem(name, allowed.join(' or '));
    return found;
  }

  function integer(name: string, least = 0): number {
    const found = fields.get(name);
    if (typeof found !== 'number' || !Number.isSafeInteger(found) || found < least) {
      throw problem(name, `a whole number of at least ${least}`);
    }
    return found;
  }

  function time(name: string): string {
    const found = text(name);
    if (!TIME.test(found) || Number.isNaN(Date.parse(found))) throw problem(name, 'a time in UTC');
    return found;
  }

  function sha256(name: string): string {
    const found = text(name);
    if (!SHA256.test(found)) throw problem(name, 'a SHA-256 in hex');
    return found;
  }

  return {
    has: (name) => fields.has(name),
    object: (name) => fieldsOf(fields.get(name), pathOf(name)),
    text,
    texts,
    oneOf,
    integer,
    time,
    sha256,
  };
}
