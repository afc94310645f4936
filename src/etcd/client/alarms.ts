import { AlarmAction, AlarmType } from 'etcd3';
import type { Permit } from '../cluster/permit.ts';
import type { Alarm, MemberStatus } from '../types.ts';
import type { Connection } from './connection.ts';
import { decimalId, hexId } from './ids.ts';
import { retryReads } from './retry.ts';

/**
 * The alarms, by the cluster's agreement: needs a quorum. No alarm is an empty message in etcd 3.4; whoever asks also
 * looks at what each member's Status says.
 * @throws EtcdError
 */
export async function alarmList(connection: Connection): Promise<Alarm[]> {
  const request = { action: AlarmAction.Get, memberID: '0', alarm: AlarmType.None };
  const { alarms } = await retryReads(() =>
    connection.call((options) => connection.maintenance.alarm(request, options)),
  );
  return alarms.flatMap(({ memberID, alarm }) => toAlarm(hexId(memberID), alarm));
}

/** The alarms that a member's Status speaks of, for when there is no quorum to ask. */
export function alarmsOf({ errors }: MemberStatus): Alarm[] {
  return errors.flatMap((text) => {
    // etcd leaves the ID out where it accuses nobody (member 0).
    const match = /^\s*(?:memberID:(\d+)\s+)?alarm:(\w+)/.exec(text);
    return match?.[2] ? toAlarm(hexId(match[1] ?? '0'), match[2]) : [];
  });
}

function toAlarm(memberId: string, type: string): Alarm[] {
  // etcd3 gives enums by name in answers, whatever its types say.
  if (/^nospace$/i.test(type) || type === String(AlarmType.Nospace)) return [{ memberId, type: 'NOSPACE' }];
  if (/^corrupt$/i.test(type) || type === String(AlarmType.Corrupt)) return [{ memberId, type: 'CORRUPT' }];
  return [];
}

/** Disarms NOSPACE of one member. CORRUPT is nobody's to disarm but a person's. @throws EtcdError */
export async function disarmNoSpace(
  _permit: Permit,
  connection: Connection,
  memberId: string,
): Promise<void> {
  const request = {
    action: AlarmAction.Deactivate,
    memberID: decimalId(memberId),
    alarm: AlarmType.Nospace,
  };
  await connection.call((options) => connection.maintenance.alarm(request, options));
}
