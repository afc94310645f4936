import { downgradeEnabled } from '../client/downgrade.ts';
import { toEtcdError } from '../errors.ts';
import { type Downgrade, label, type Member } from '../types.ts';
import { askedForDowngrade } from '../versions.ts';
import type { ClusterClient } from './discover.ts';

/**
 * Asks the leader where its version does not tell of a downgrade by itself. Without a leader nothing is changed anyway,
 * nor is anybody defragmented where the members' minor versions differ.
 */
export async function readDowngrade(
  client: ClusterClient,
  members: readonly Member[],
  leaderId: string | undefined,
  tries = 1,
): Promise<Downgrade> {
  const leader = members.find(({ id }) => id === leaderId);
  const version = askedForDowngrade(leader?.status?.version ?? '');
  const connection = leader && client.connections.get(leader.id);
  if (leader === undefined || version === undefined || connection === undefined) return { kind: 'none' };
  try {
    return { kind: (await downgradeEnabled(connection, version, tries)) ? 'enabled' : 'none' };
  } catch (error) {
    return { kind: 'unknown', message: `${label(leader)}: ${toEtcdError(error).message}` };
  }
}
