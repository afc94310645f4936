/** How much memory may be taken, in bytes, and how much is. */
export interface Room {
  /** false: so much is not left, and nothing was taken */
  take(bytes: number): boolean;
  give(bytes: number): void;
  taken(): number;
}

export function roomOf(maxBytes: number): Room {
  let taken = 0;
  return {
    take(bytes) {
      if (taken + bytes > maxBytes) return false;
      taken += bytes;
      return true;
    },
    give(bytes) {
      taken -= bytes;
    },
    taken: () => taken,
  };
}
