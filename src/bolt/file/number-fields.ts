import { afterValue, MAX_TAG, numberEnd, readNumber, VARINT } from './wire.ts';

/**
 * What etcd reads at its start besides revisions: its leases (`Lease`, server/lease/leasepb/lease.proto) and alarms
 * (`AlarmMember`, api/etcdserverpb/rpc.proto), whose fields are numbers. It does not start where one of them cannot be read.
 */

const LEASE_FIELDS = 3;
const ALARM_FIELDS = 2;
/** Three fields of eleven bytes each are the most that etcd writes; the rest is for what it may write one day. */
export const MAX_NUMBERS_BYTES = 64;

/** Whether etcd can read these bytes, a value of its bucket `lease`. */
export const isLease = (view: DataView, at: number, size: number): boolean =>
  areNumbers(view, at, size, LEASE_FIELDS);

/** Whether etcd can read these bytes, a key of its bucket `alarm`. */
export const isAlarm = (view: DataView, at: number, size: number): boolean =>
  areNumbers(view, at, size, ALARM_FIELDS);

/** Whether it is a message whose fields up to that one are numbers; of fields that come later it is enough that they end. */
function areNumbers(view: DataView, from: number, size: number, last: number): boolean {
  if (size > MAX_NUMBERS_BYTES) return false;
  const end = from + size;
  let at = from;
  while (at < end) {
    const tag = readNumber(view, at, end);
    if (numberEnd < 0 || tag > MAX_TAG) return false;
    const field = Math.floor(tag / 8);
    if (field === 0 || (field <= last && tag % 8 !== VARINT)) return false;
    at = afterValue(view, tag % 8, numberEnd, end);
    if (at < 0 || at > end) return false;
  }
  return true;
}
