/** What was compared has more keys, or more of them changed, than there may be memory for. */
export class TooManyKeys extends Error {}

/** The names of some keys, by their numbers. */
export interface Names {
  has(key: number): boolean;
  /** @throws TooManyKeys */
  add(key: number, name: string): void;
  of(key: number): string;
  /** To be called when what lies beside the names has grown. @throws TooManyKeys */
  check(): void;
}

/** What a string and its place in a map take up beside its characters. */
const NAME_BYTES = 64;

/** All of it, with what takes up `besides()`, stays within so many bytes. */
export function namesWithin(maxBytes: number, besides: () => number): Names {
  const names = new Map<number, string>();
  let bytes = 0;

  function check(): void {
    if (bytes + besides() > maxBytes) throw new TooManyKeys(`they take up more than ${maxBytes} bytes`);
  }

  return {
    has: (key) => names.has(key),
    add(key, name) {
      names.set(key, name);
      bytes += name.length + NAME_BYTES;
      check();
    },
    of: (key) => names.get(key) ?? '',
    check,
  };
}
