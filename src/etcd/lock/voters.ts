import type { Connection } from '../client/connection.ts';
import type { ClusterClient } from '../cluster/discover.ts';
import { EtcdError, mayHaveBeenDone, toEtcdError } from '../errors.ts';
import { votersOf } from '../types.ts';

/**
 * Asks one voting member after another until one answers or refuses; a lost answer is neither, so what is asked must be
 * something that may be asked twice. `avoided` is asked only where there is no other.
 * @throws EtcdError of the last one that was asked
 */
export async function askVoters<T>(
  client: ClusterClient,
  avoided: string | undefined,
  call: (connection: Connection) => Promise<T>,
): Promise<T> {
  let last: EtcdError | undefined;
  for (const connection of toAsk(client, avoided)) {
    try {
      return await call(connection);
    } catch (error) {
      last = toEtcdError(error);
      if (last.code === 'access') throw refusedAt(connection, last);
      if (!mayHaveBeenDone(last.code)) throw last;
    }
  }
  throw last ?? new Error('no member to ask');
}

/** Each member keeps its own tokens, and any of them was asked. */
const refusedAt = ({ endpoint }: Connection, { code, message }: EtcdError): EtcdError =>
  new EtcdError(code, `${message} (at ${endpoint})`);

/** A learner refuses all that a lock needs. */
function toAsk(client: ClusterClient, avoided: string | undefined): Connection[] {
  const voters = new Set(votersOf(client).map(({ id }) => id));
  const all = [...client.connections].filter(([id]) => voters.has(id));
  const others = all.filter(([id]) => id !== avoided);
  return (others.length > 0 ? others : all).map(([, connection]) => connection);
}
