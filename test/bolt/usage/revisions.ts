import type { Entry } from '../../../src/bolt/entries.ts';
import { keyNumbers } from '../../../src/bolt/keys/key-numbers.ts';
import { numbered } from '../../../src/bolt/keys/numbered.ts';
import { type Room, roomOf } from '../../../src/bolt/keys/room.ts';
import { type UsageCounterOptions, usageCounter } from '../../../src/bolt/usage/counter.ts';
import type { Usage, UsageFigures } from '../../../src/bolt/usage/types.ts';

/** One revision of a key; `bytes`: of its value, undefined where the key was deleted. */
export interface Revision {
  key: string | Buffer;
  main: number;
  sub?: number;
  bytes?: number | undefined;
}

export const MIB = 2 ** 20;

/** As an entry among other bytes. */
function entryOf({ key, main, sub = 0, bytes }: Revision): Entry {
  const name = Buffer.from(key);
  return {
    main,
    sub,
    isTombstone: bytes === undefined,
    bytes: Buffer.concat([Buffer.from('//'), name, Buffer.from('/x')]),
    keyAt: 2,
    keyLength: name.length,
    key: -1,
    valueLength: bytes ?? 0,
    recordAt: 0,
    recordEnd: name.length + 4,
  };
}

interface Counting extends Pick<Partial<UsageCounterOptions>, 'revision' | 'objectPrefix'> {
  maxBytes?: number;
}

/** A counter, what shows it entries with the numbers of their keys, and what both have taken of memory. */
export function countingIn({ maxBytes = 64 * MIB, revision = 2 ** 50, ...options }: Counting = {}) {
  const room: Room = roomOf(maxBytes);
  const keys = keyNumbers(room, 2 ** 19);
  const counter = usageCounter({ revision, keys, room, ...options });
  const visitor = numbered(keys, [counter]);
  return {
    see: (one: Revision): void => visitor.entry(entryOf(one)),
    usage: (named?: number): Usage | undefined => counter.usage(named),
    takenBytes: (): number => room.taken(),
  };
}

/** Counts them in this order. */
export function counted(
  revisions: Iterable<Revision>,
  { named, ...options }: Counting & { named?: number } = {},
): Usage | undefined {
  const counting = countingIn(options);
  for (const revision of revisions) counting.see(revision);
  return counting.usage(named);
}

/** The total, counted the plain way. */
export function plainTotal(revisions: readonly Revision[]): UsageFigures {
  const newest = new Map<string, Revision>();
  let all = 0;
  for (const one of revisions) {
    const name = Buffer.from(one.key).toString('hex');
    const other = newest.get(name);
    all += one.bytes ?? 0;
    if (
      other === undefined ||
      one.main > other.main ||
      (one.main === other.main && (one.sub ?? 0) > (other.sub ?? 0))
    )
      newest.set(name, one);
  }
  const alive = [...newest.values()].flatMap(({ bytes }) => bytes ?? []);
  const liveBytes = alive.reduce((sum, bytes) => sum + bytes, 0);
  return { keys: alive.length, revisions: revisions.length, liveBytes, historyBytes: all - liveBytes };
}
