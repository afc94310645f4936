import { setFlagsFromString } from 'node:v8';

/** A store of so many files is nobody's own work. */
const MANY = 10_000;

/**
 * To be told of what is about to be kept in memory by thousands, and how many it is. V8 lets dead objects gather to
 * several times of what is alive: 50,000 planted pairs cost a run 380 MiB, of which 20 were in use. From here on it clears
 * them away early, which costs a run that streams a backup some of its speed, so only where it is needed.
 */
export function expectMany(count: number): void {
  if (count >= MANY) setFlagsFromString('--optimize-for-size');
}
