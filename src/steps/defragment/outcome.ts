import { Failure } from '../../errors.ts';
import type { Ending } from '../../etcd/cluster/defragmentation.ts';
import { EtcdError, mayHaveBeenDone } from '../../etcd/errors.ts';
import type { MemberStatus } from '../../etcd/types.ts';
import { formatMebibytes } from '../../util/format.ts';

/** What became of one member. */
export interface MemberOutcome {
  defragmented: boolean;
  reason: string;
  /** how long it did not answer */
  unavailableSeconds?: number;
}

export const secondsOf = (ms: number): number => Math.round(ms / 100) / 10;

interface SeenOutcome extends MemberOutcome {
  failure?: Failure;
}

/** What became of a member, by what was seen: only etcd's own "done", or a file that is smaller, is a defragmentation. */
export function outcomeOf(ending: Ending, before: MemberStatus | undefined, timeoutMs: number): SeenOutcome {
  const { error, after, ms } = ending;
  if (error !== undefined && !mayHaveBeenDone(error.code))
    return failed(false, `etcd did not defragment it: ${error.message}`, error);
  if (after === undefined) return failed(false, silent(ending), error);
  if (error === undefined) return { defragmented: true, reason: 'defragmented' };
  if (after instanceof EtcdError) return failed(false, noLongerLetIn(error, after), error);
  const shrunk = before !== undefined && after.dbSize < before.dbSize;
  if (!shrunk) return failed(false, noSmaller(error, after), error);
  if (ms > timeoutMs) {
    const took = `took ${secondsOf(ms)} s, longer than DEFRAG_TIMEOUT (${timeoutMs / 1000} s)`;
    return failed(true, `it was defragmented, but ${took}: raise that, and look at its disk`, error);
  }
  const sizes = `its file went from ${formatMebibytes(before.dbSize)} to ${formatMebibytes(after.dbSize)}`;
  return { defragmented: true, reason: `defragmented: the answer was lost (${error.message}), but ${sizes}` };
}

const failed = (defragmented: boolean, reason: string, cause: EtcdError | undefined): SeenOutcome => ({
  defragmented,
  reason,
  failure: new Failure('step', reason, { cause }),
});

const noLongerLetIn = (lost: EtcdError, { message }: EtcdError): string =>
  `whether it was defragmented is not known: the answer was lost (${lost.message}), and etcd refuses this run since then: ` +
  `${message}. Touch no other member before it answers`;

function silent({ error, ms }: Ending): string {
  const why = error === undefined ? '' : ` (${error.message})`;
  return (
    `it has not answered since its defragmentation began ${secondsOf(ms)} s ago${why}, which may still be going on: ` +
    'look at its log, its disk and whether kubelet restarts it, and touch no other member before it answers'
  );
}

/** What etcd writes beside the database, and leaves there where its disk has no room for it (etcd#18810). */
const SECOND_COPY =
  'A second copy (db.tmp.*) may have been left beside its database, in member/snap of its data directory, and fill its ' +
  'disk, of which etcd soon ends: remove it while nothing defragments the member, and give the disk as much free room as ' +
  'the database has in use';

/** `other` is what etcd itself says of a defragmentation that it gave up; all else that comes here is a lost answer. */
function noSmaller({ code, message }: EtcdError, after: MemberStatus): string {
  const file = `its file is no smaller than before (${formatMebibytes(after.dbSize)})`;
  if (code === 'other')
    return `its defragmentation ended with an error: ${message}, and ${file}. ${SECOND_COPY}`;
  return `whether it was defragmented is not known: the answer was lost (${message}), and ${file}. ${SECOND_COPY}`;
}
