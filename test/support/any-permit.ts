import type { Permit } from '../../src/etcd/cluster/permit.ts';

/** For tests of the calls themselves: nothing was judged. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a real one is to be had from a gate alone, on purpose
export const ANY_PERMIT = {} as Permit;
