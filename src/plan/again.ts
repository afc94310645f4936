import { type ClusterStatus, label, type Member, type Verdict } from '../etcd/types.ts';
import { notWell, type Policy } from './decision.ts';
import { alarmsOf, problemsOf } from './health.ts';
import { type PlannedStep, STEPS } from './steps.ts';

/**
 * Whether a step may change the cluster now, by the rules by which it was planned. A run takes time, and meanwhile others
 * add members, upgrade and downgrade: what was planned was planned for the members that were seen then.
 */
export function judgeAgain(
  step: PlannedStep,
  planned: ClusterStatus,
  now: ClusterStatus,
  policy: Policy,
): Verdict {
  const changes = changesSince(planned, now, step);
  if (changes.length > 0)
    return never(`since this run looked first ${changes.join('; ')}${FOR_THE_NEXT_RUN}`);
  const problems = problemsOf(now);
  if (problems.length > 0) return unwell(now, notWell(problems).reason);
  const decision = judgeOf(step)(now, policy, problems);
  if (!decision.do && decision.status === 'refused') return never(decision.reason);
  return { kind: 'go' };
}

const never = (reason: string): Verdict => ({ kind: 'never', reason });

/** An election passes, and a member comes back. A CORRUPT alarm is a person's to disarm: nobody waits for that. */
const unwell = (now: ClusterStatus, reason: string): Verdict =>
  alarmsOf(now, 'CORRUPT').length > 0 ? never(reason) : { kind: 'not-now', reason };

const FOR_THE_NEXT_RUN = ': nothing was planned for such a cluster, and the next run looks anew';

function judgeOf(step: PlannedStep) {
  const found = STEPS.flatMap((it) => ('judge' in it && it.name === step ? [it.judge] : []))[0];
  if (found === undefined) throw new TypeError(`nobody judges ${step}`);
  return found;
}

/** What is another than when the plan was made, in words. */
function changesSince(planned: ClusterStatus, now: ClusterStatus, step: PlannedStep): string[] {
  const [then, today] = [planned, now].map(({ members }) => new Map(members.map((it) => [it.id, it])));
  return [
    ...planned.members.flatMap((member) => (today?.has(member.id) ? [] : [`${label(member)} was removed`])),
    ...now.members.flatMap((member) => {
      const before = then?.get(member.id);
      if (before === undefined) return [`${label(member)} was added${member.learner ? ' as a learner' : ''}`];
      return [...roleChange(before, member), ...(step === 'defragment' ? versionChange(before, member) : [])];
    }),
  ];
}

function roleChange(before: Member, member: Member): string[] {
  if (before.learner && !member.learner) return [`${label(member)} became a voting member`];
  if (before.name === '' && member.name !== '') return [`${label(member)} was started`];
  return [];
}

/** A compaction is the same in every version, but members are upgraded one after another, and a defragmentation is in the way. */
function versionChange(before: Member, member: Member): string[] {
  const [from, to] = [before.status?.version, member.status?.version];
  if (from === undefined || to === undefined || from === to) return [];
  return [`${label(member)} came back with etcd ${to} instead of ${from}`];
}
