import { formatSeconds } from '../../util/format.ts';
import { formatTable, line } from '../output.ts';
import type { Check } from './checks.ts';
import type { KubernetesReport, ResourceCheck } from './types.ts';

/** How a scratch etcd compares with the backup that it was restored from: what `drill -o json` prints. */
export interface Drill {
  backup: string;
  cluster: { name: string; id: string };
  same: boolean;
  checks: Check[];
  /** from the beginning of the fetch to the first answer of the restored member; only a receipt says when that was */
  wayBackSeconds?: number;
  /** what an API server makes of it, where there is one */
  kubernetes?: KubernetesReport;
}

/** For people. */
export function formatDrill({ backup, checks, same, wayBackSeconds, kubernetes }: Drill): string {
  const took = wayBackSeconds === undefined ? '' : `, ${formatSeconds(wayBackSeconds)} after its fetch began`;
  return [
    formatTable([
      ['CHECK', 'MANIFEST', 'RESTORED', 'RESULT'],
      ...checks.map(({ what, expected, found, result }) => [what, String(expected), String(found), result]),
    ]),
    '\n',
    ...(kubernetes ? [formatTable(rowsOf(kubernetes)), '\n', line(summaryOf(kubernetes))] : []),
    line(`${backup} ${same ? 'came back whole' : 'DID NOT COME BACK WHOLE'}${took}`),
  ].join('');
}

/** What there is nothing of is left out, unless something is wrong with it. */
function rowsOf({ resources }: KubernetesReport): string[][] {
  const shown = resources.filter(({ stored, result }) => stored > 0 || result === 'differs');
  const others = resources.filter((one) => !shown.includes(one) && one.result === 'not compared');
  return [
    ['RESOURCE', 'STORED', 'SERVED', 'RESULT'],
    ...[...shown, ...others].map(({ resource, stored, served, result, reason }) => [
      resource,
      String(stored),
      String(served ?? '-'),
      reason === undefined ? result : `${result}: ${reason}`,
    ]),
  ];
}

function summaryOf({ version, resources, secretsRead }: KubernetesReport): string {
  const served = resources.filter(({ result, stored }) => result === 'same' && stored > 0);
  const objects = served.reduce((sum, { stored }) => sum + stored, 0);
  const open = resources.filter(({ result, stored }) => result === 'not compared' && stored > 0).length;
  return (
    `Kubernetes ${version} serves ${objects} objects of ${served.length} resources, ${secretsRead} Secrets read by name` +
    (open === 0 ? '' : `; ${open} resources not compared`)
  );
}

/**
 * What an operator has to know first of a backup that Kubernetes cannot use, in one sentence for each resource, Secrets
 * before all. A few of them: kubelet keeps the last 2048 bytes of what a container says, and cuts what stands in front.
 */
export function wrongIn({ resources }: KubernetesReport): string {
  const wrong = resources
    .filter(({ result }) => result === 'differs')
    .toSorted((a, b) => Number(b.resource === 'secrets') - Number(a.resource === 'secrets'));
  const named = wrong.slice(0, NAMED).map((one) => sentenceOf(one).slice(0, MAX_SENTENCE));
  const more = wrong.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more resources`] : [])].join('; ');
}

const NAMED = 3;
const NAMES = 5;
const MAX_SENTENCE = 400;

function sentenceOf({ resource, reason = '', unreadable }: ResourceCheck): string {
  if (unreadable === undefined) return `${resource}: ${reason}`;
  const names = unreadable.names.slice(0, NAMES).join(', ');
  const more = unreadable.count > NAMES ? ' and others' : '';
  return `${resource}: ${reason} (${names}${more})`;
}
