/** etcd's IDs are uint64, which arrive as decimal strings and which its tools print in hexadecimal. */
export const hexId = (decimal: string): string => BigInt(decimal).toString(16);
export const decimalId = (hex: string): string => BigInt(`0x${hex}`).toString();

/** The ID of a lease: int64 on the wire, yet in hexadecimal as if it were a uint64. */
export const leaseHexId = (decimal: string): string => hexId(BigInt.asUintN(64, BigInt(decimal)).toString());
export const leaseDecimalId = (hex: string): string => BigInt.asIntN(64, BigInt(`0x${hex}`)).toString();
