import { sizeOf } from '../../bolt/usage/figures.ts';
import type { Usage, UsageFigures } from '../../bolt/usage/types.ts';
import { EVENTS_ADVICE } from '../../run/objects.ts';
import { formatBytes, formatCount, formatPercent } from '../../util/format.ts';
import { formatTable, line } from '../output.ts';

/** What fills the database, for a terminal: the tables one after another, then what to do about it. */
export function formatUsage({ total, resources, namespaces, largest, mostRevised }: Usage): string {
  const shown = figuresFor(total);
  const tables = [
    [
      ['RESOURCE', ...FIGURES],
      ...resources.map(({ resource, ...figures }) => [resource, ...shown(figures)]),
      ['all', ...shown(total)],
    ],
    [
      ['NAMESPACE', ...FIGURES],
      ...namespaces.map(({ namespace, ...figures }) => [
        namespace === '' ? '(none)' : namespace,
        ...shown(figures),
      ]),
    ],
    [['SIZE', 'LARGEST'], ...largest.map(({ key, bytes }) => [formatBytes(bytes), key])],
    [
      ['REVISIONS', 'MOST REVISED'],
      ...mostRevised.map(({ key, revisions }) => [formatCount(revisions), key]),
    ],
  ];
  const hints = hintsFor({ total, resources }).map(line);
  return [...tables.map(formatTable), ...(hints.length > 0 ? [hints.join('')] : [])].join('\n');
}

const FIGURES = ['SHARE', 'LIVE', 'HISTORY', 'KEYS', 'REVISIONS'];

const figuresFor =
  (total: UsageFigures) =>
  (figures: UsageFigures): string[] => [
    formatPercent(shareOf(sizeOf(figures), sizeOf(total))),
    formatBytes(figures.liveBytes),
    formatBytes(figures.historyBytes),
    formatCount(figures.keys),
    formatCount(figures.revisions),
  ];

const shareOf = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

/** More than this part of all values is worth a word. */
const MOST = 0.5;

function hintsFor({ total, resources }: Pick<Usage, 'total' | 'resources'>): string[] {
  const history = shareOf(total.historyBytes, sizeOf(total));
  const events = resources.find(({ resource }) => resource === 'events');
  const ofEvents = events ? shareOf(sizeOf(events), sizeOf(total)) : 0;
  return [
    ...(history > MOST
      ? [
          `${formatPercent(history)} is history: values that were replaced or deleted since the last compaction. A run ` +
            'compacts to its window (COMPACTION_RETENTION, or what kube-apiserver keeps where that is more) and then ' +
            'defragments; what stays was written within the window: MOST REVISED tells what is written so often',
        ]
      : []),
    ...(ofEvents > MOST ? [`${formatPercent(ofEvents)} are Events: ${EVENTS_ADVICE}`] : []),
  ];
}
