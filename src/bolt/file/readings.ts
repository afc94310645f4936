import { type Part, partOf } from './layout.ts';
import type { Ended, Need, Reading } from './page-reader.ts';

/** Of pages that go on behind the bytes that have come: a hostile file could begin one on each of its pages. */
const MOST_READINGS = 1024;
const MOST_BYTES = 4 * 2 ** 20;

/** A reading, and as much as has come of what it needs. */
interface Waiting {
  reading: Reading;
  need: Need;
  filled: number;
  bytes: Buffer;
}

/** Goes on with pages as their bytes come by; several may lie one over the other, of which the tree reaches one at most. */
export interface Readings {
  /** `here` is what the reading was made with, `piece` what came last. */
  begin(reading: Reading, here: Part, piece: Part): Ended;
  feed(piece: Part): Ended;
}

export function newReadings(): Readings {
  let waiting: Waiting[] = [];
  /** of the first byte that anyone waits for */
  let earliest = Number.POSITIVE_INFINITY;
  let bytesHeld = 0;

  function goOn(reading: Reading, given: Part, piece: Part): Ended {
    let here = given;
    for (;;) {
      const step = reading.next(here);
      if (step.done) return step.value;
      const need = step.value;
      if (need.at >= piece.from && need.at + need.length <= piece.to) {
        here = piece;
        continue;
      }
      const one: Waiting = { reading, need, filled: 0, bytes: Buffer.allocUnsafe(need.length) };
      fill(one, here);
      fill(one, piece);
      if (one.filled < need.length) return wait(one);
      here = partOf(one.bytes, need.at);
    }
  }

  function wait(one: Waiting): Ended {
    waiting.push(one);
    bytesHeld += one.need.length;
    earliest = Math.min(earliest, one.need.at + one.filled);
    return waiting.length > MOST_READINGS || bytesHeld > MOST_BYTES ? 'too-much' : undefined;
  }

  function feed(piece: Part): Ended {
    if (earliest >= piece.to) return undefined;
    const before = waiting;
    waiting = [];
    bytesHeld = 0;
    earliest = Number.POSITIVE_INFINITY;
    for (const one of before) {
      fill(one, piece);
      const { reading, need, filled, bytes } = one;
      const ended = filled < need.length ? wait(one) : goOn(reading, partOf(bytes, need.at), piece);
      if (ended !== undefined) return ended;
    }
    return undefined;
  }

  return { begin: goOn, feed };
}

/** Takes what `part` has of the bytes that are still missing. */
function fill(one: Waiting, { view, from, to }: Part): void {
  const { need, bytes } = one;
  const at = need.at + one.filled;
  if (at < from || at >= to) return;
  const length = Math.min(need.at + need.length, to) - at;
  bytes.set(new Uint8Array(view.buffer, view.byteOffset + at - from, length), one.filled);
  one.filled += length;
}
