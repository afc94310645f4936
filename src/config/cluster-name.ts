import type { Variables } from './variables.ts';

/** What the cluster's folder in the store, and the cluster in reports and metrics, is called. */
export const readClusterName = ({ parse }: Variables): string | undefined =>
  parse('CLUSTER_NAME', folderName);

function folderName(text: string): string {
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(text)) {
    throw new Error('should be 1 to 63 letters, digits, ".", "_" and "-", starting with a letter or a digit');
  }
  return text;
}
