/**
 * Takes the bytes of a gRPC answer apart as they come, without ever putting a message together: yields the pieces of
 * the `blob` fields (etcd's SnapshotResponse, field 3) as views of what was fed.
 *
 * A gRPC message is one flag byte, four bytes of length, and a protobuf message; a protobuf message is a sequence of
 * tag, (length,) value. Only two wire types occur in this answer: 0, a varint, and 2, bytes with their length.
 */
export interface BlobReader {
  feed(data: Buffer): Generator<Buffer, void>;
  /** `remaining_bytes` of the first message plus that message's own blob: what the server said would come. */
  announced(): number;
}

const GRPC_HEADER_BYTES = 5;
const REMAINING_BYTES_FIELD = 2;
const BLOB_FIELD = 3;

export function blobReader(): BlobReader {
  // Bytes of a header or a tag that is not complete yet; they are few, all else is passed on untouched.
  const pending = Buffer.alloc(32);
  let pendingBytes = 0;
  let messageLeft = 0;
  let valueLeft = 0;
  let valueIsBlob = false;
  let remaining: number | undefined;
  let announced: number | undefined;

  /** Reads the tag that has gathered in `pending`; false while it is not complete. */
  function readField(): boolean {
    const tag = varint(pending, 0, pendingBytes);
    if (tag === undefined) return false;
    const number = varint(pending, tag.next, pendingBytes);
    if (number === undefined) return false;
    const field = Math.floor(tag.value / 8);
    const wireType = tag.value % 8;
    messageLeft -= number.next;
    if (wireType === 2) {
      valueLeft = number.value;
      valueIsBlob = field === BLOB_FIELD;
      if (valueIsBlob) announced ??= (remaining ?? 0) + number.value;
      messageLeft -= number.value;
    } else if (wireType === 0) {
      if (field === REMAINING_BYTES_FIELD) remaining ??= number.value;
    } else {
      throw new Error(`13 INTERNAL: unexpected wire type ${wireType} in the snapshot stream`);
    }
    // Else the next message's header would be read as fields, and its bytes as whatever they look like.
    if (messageLeft < 0)
      throw new Error('13 INTERNAL: a field is longer than its message in the snapshot stream');
    return true;
  }

  function readHeader(): boolean {
    if (pendingBytes < GRPC_HEADER_BYTES) return false;
    if (pending[0] !== 0)
      throw new Error('13 INTERNAL: the snapshot stream is compressed, which was not asked for');
    messageLeft = pending.readUInt32BE(1);
    return true;
  }

  function* feed(data: Buffer): Generator<Buffer, void> {
    let offset = 0;
    while (offset < data.length) {
      if (valueLeft > 0) {
        const taken = Math.min(valueLeft, data.length - offset);
        if (valueIsBlob) yield data.subarray(offset, offset + taken);
        offset += taken;
        valueLeft -= taken;
        continue;
      }
      if (pendingBytes === pending.length)
        throw new Error('13 INTERNAL: no field in the snapshot stream ends');
      pending[pendingBytes++] = data[offset++] ?? 0;
      if (messageLeft === 0 ? readHeader() : readField()) pendingBytes = 0;
    }
  }

  return { feed, announced: () => announced ?? 0 };
}

/** A protobuf varint, as far as doubles are exact (2^53: eight pebibytes). */
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
