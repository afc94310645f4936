/** The wire format of protobuf, as far as what etcd keeps in its database needs it. */

export const VARINT = 0;
const FIXED64 = 1;
export const LENGTH = 2;
const FIXED32 = 5;

export const MAX_VARINT_BYTES = 10;
/** A field's number has 29 bits. etcd cuts off what is more, and would take it for another field. */
export const MAX_TAG = 2 ** 32 - 1;

/** Where a number that was read ends; negative where there is none. */
export let numberEnd = 0;

/** An unsigned number of the wire format, exact up to 2^53. Sets `numberEnd`. */
export function readNumber(view: DataView, from: number, to: number): number {
  let value = 0;
  let scale = 1;
  const last = Math.min(to, from + MAX_VARINT_BYTES);
  for (let at = from; at < last; at += 1) {
    const byte = view.getUint8(at);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      numberEnd = at + 1;
      return value;
    }
    scale *= 128;
  }
  numberEnd = -1;
  return 0;
}

/** Where the value of a field of that type ends; negative where it cannot be read. It may be behind `end`. */
export function afterValue(view: DataView, type: number, at: number, end: number): number {
  if (type === FIXED64) return at + 8;
  if (type === FIXED32) return at + 4;
  if (type !== VARINT && type !== LENGTH) return -1;
  const number = readNumber(view, at, end);
  if (numberEnd < 0) return -1;
  return type === LENGTH ? numberEnd + number : numberEnd;
}
