/** How much longer than its last seconds a lease may be seen: etcd looks for expired ones twice a second. */
const EXPIRY_SLACK_MS = 5_000;

/** Tells whether a lease was renewed while it was watched: whether the run that holds it is alive. */
export function renewalWatch(now = () => performance.now()) {
  let looks = 0;
  let first: Look | undefined;
  let previous: Look | undefined;
  return {
    isFirst: (): boolean => looks === 1,
    sees(leaseId: string, { seconds, term }: { seconds: number; term: string }): boolean {
      const look = { leaseId, seconds, term, at: now() };
      const before = previous;
      previous = look;
      looks += 1;
      // A new leader starts every lease anew; that is no sign of life.
      if (before === undefined || before.term !== term) first = look;
      if (before === undefined || first === undefined) return false;
      if (before.leaseId !== leaseId) return true;
      if (before.term === term && seconds > before.seconds) return true;
      // A short lease may be renewed just before every look; but none outlives its seconds without that.
      return look.at - first.at > first.seconds * 1_000 + EXPIRY_SLACK_MS;
    },
  };
}

interface Look {
  leaseId: string;
  seconds: number;
  term: string;
  at: number;
}
