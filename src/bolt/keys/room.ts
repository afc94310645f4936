/** How much memory may be taken, in bytes, and how much is: one for all who look at a database together. */
export interface Room {
  /** false: so much is not left, and nothing was taken */
  take(bytes: number): boolean;
  give(bytes: number): void;
  taken(): number;
  left(): number;
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
    left: () => Math.max(0, maxBytes - taken),
  };
}

/** What one of them takes, who may give up and leave it to the others. */
export interface Share extends Room {
  giveAll(): void;
}

export function shareOf(room: Room): Share {
  let taken = 0;
  function give(bytes: number): void {
    taken -= bytes;
    room.give(bytes);
  }
  return {
    take(bytes) {
      if (!room.take(bytes)) return false;
      taken += bytes;
      return true;
    },
    give,
    giveAll: () => give(taken),
    taken: () => taken,
    left: () => room.left(),
  };
}

/**
 * Takes room in columns of so many bytes a key, as keys come. Tells whether a key has it: not where it has no number, nor
 * where there is too little left.
 */
export function columnRoom(room: Room, keyBytes: number): (key: number) => boolean {
  let keys = 0;
  return (key) => {
    if (key < keys) return key >= 0;
    if (!room.take((key + 1 - keys) * keyBytes)) return false;
    keys = key + 1;
    return true;
  };
}
