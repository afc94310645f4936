/**
 * For `Proxy.tamper`: turns one bit over, `offset` bytes after the beginning of the first `marker` that passes; once.
 * The byte lies behind the marker, and may be in another piece.
 */
export function flipAfter(marker: Buffer, offset: number): (data: Buffer) => void {
  let matched = 0;
  let left: number | undefined;
  let done = false;
  return (data) => {
    for (let at = 0; at < data.length && !done; at += 1) {
      if (left === 0) {
        data.writeUInt8(data.readUInt8(at) ^ 1, at);
        done = true;
      } else if (left !== undefined) {
        left -= 1;
      } else {
        const byte = data[at];
        matched = byte === marker[matched] ? matched + 1 : Number(byte === marker[0]);
        if (matched === marker.length) left = offset - marker.length;
      }
    }
  };
}
