import type { Variables } from './variables.ts';

/** Which cluster's backups are meant where one folder has those of two. Written as etcd and `list` write it. */
export const readClusterId = ({ parse }: Variables): string | undefined => parse('CLUSTER_ID', idOf);

function idOf(text: string): string {
  if (!/^[0-9a-f]{1,16}$/i.test(text))
    throw new Error('should be an ID of at most 16 hex digits, as list shows it');
  // etcd's tools write no leading zeros, others may.
  return BigInt(`0x${text}`).toString(16);
}
