import { EtcdError } from '../errors.ts';

const GRPC_HEADER_BYTES = 5;
const REMAINING_BYTES_FIELD = 2;
const BLOB_FIELD = 3;
const VARINT = 0;
const BYTES = 2;

/**
 * Takes the bytes of a gRPC answer apart as they come, without ever putting a message together: yields the pieces of
 * the `blob` fields (etcd's SnapshotResponse, field 3) as views of what was fed.
 *
 * A gRPC message is one flag byte, four bytes of length, and a protobuf message; a protobuf message is a sequence of
 * tag, (length,) value. Only two wire types occur in this answer: 0, a varint, and 2, bytes with their length.
 */
export class BlobReader {
  /** Bytes of a header or a tag that is not complete yet; they are few, all else is passed on untouched. */
  private readonly pending = Buffer.alloc(32);
  private pendingBytes = 0;
  private messageLeft = 0;
  private valueLeft = 0;
  private valueIsBlob = false;
  private remaining: number | undefined;
  private total: number | undefined;

  /** @throws EtcdError where the bytes are no such answer */
  *feed(data: Buffer): Generator<Buffer, void> {
    let offset = 0;
    while (offset < data.length) {
      if (this.valueLeft > 0) {
        const piece = data.subarray(offset, offset + this.valueLeft);
        if (this.valueIsBlob) yield piece;
        offset += piece.length;
        this.valueLeft -= piece.length;
      } else {
        this.take(data[offset++] ?? 0);
      }
    }
  }

  /** `remaining_bytes` of the first message plus that message's own blob: what the server said would come. */
  announced(): number {
    return this.total ?? 0;
  }

  /** One byte that is no value's. */
  private take(byte: number): void {
    if (this.pendingBytes === this.pending.length) throw damaged('no field in the snapshot stream ends');
    this.pending[this.pendingBytes++] = byte;
    const complete = this.messageLeft === 0 ? this.readHeader() : this.readField();
    if (complete) this.pendingBytes = 0;
  }

  private readHeader(): boolean {
    if (this.pendingBytes < GRPC_HEADER_BYTES) return false;
    if (this.pending[0] !== 0) throw damaged('the snapshot stream is compressed, which was not asked for');
    this.messageLeft = this.pending.readUInt32BE(1);
    return true;
  }

  /** Reads the tag that has gathered in `pending`; false while it is not complete. */
  private readField(): boolean {
    const tag = varint(this.pending, 0, this.pendingBytes);
    if (tag === undefined) return false;
    const number = varint(this.pending, tag.next, this.pendingBytes);
    if (number === undefined) return false;
    this.messageLeft -= number.next;
    this.beginValue(Math.floor(tag.value / 8), tag.value % 8, number.value);
    // Else the next message's header would be read as fields, and its bytes as whatever they look like.
    if (this.messageLeft < 0) throw damaged('a field is longer than its message in the snapshot stream');
    return true;
  }

  private beginValue(field: number, wireType: number, number: number): void {
    if (wireType === BYTES) return this.beginBytes(field === BLOB_FIELD, number);
    if (wireType !== VARINT) throw damaged(`unexpected wire type ${wireType} in the snapshot stream`);
    if (field !== REMAINING_BYTES_FIELD) return;
    if (!Number.isSafeInteger(number)) throw damaged(`${number} bytes are announced in the snapshot stream`);
    this.remaining ??= number;
  }

  private beginBytes(isBlob: boolean, length: number): void {
    this.valueLeft = length;
    this.valueIsBlob = isBlob;
    this.messageLeft -= length;
    if (isBlob) this.total ??= (this.remaining ?? 0) + length;
  }
}

const damaged = (what: string): EtcdError =>
  new EtcdError('other', `${what}: it was damaged on its way, look at the network`);

/** A protobuf varint; above 2^53 (eight pebibytes), where doubles end to be exact, about it. */
function varint(bytes: Buffer, start: number, end: number): { value: number; next: number } | undefined {
  let value = 0;
  let factor = 1;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte % 128) * factor;
    if (byte < 128) return { value, next: at + 1 };
    factor *= 128;
  }
  return undefined;
}
