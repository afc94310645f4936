import type { Recipe } from './bolt-maker.ts';

/** Sound databases of many shapes, all of them small. */
export const BASES = {
  /** Three levels and more, leaves that overflow, deletions, compactions, stale pages of every kind. */
  deep: {
    pageSize: 512,
    keys: 60,
    transactions: 150,
    operations: 4,
    value: [0, 120],
    bigEvery: 25,
    big: [600, 2500],
    deleteEvery: 7,
    compactEvery: 70,
    retain: 160,
    leases: 3,
    leaseEvery: 4,
    members: 1,
  },
  /** So much in the other buckets that the root is a branch. */
  wide: {
    pageSize: 512,
    keys: 10,
    transactions: 20,
    value: [10, 60],
    users: 3,
    roles: 30,
    leases: 40,
    alarms: 2,
    members: 3,
    confStateBytes: 900,
  },
  /** As a machine with pages of 4 KiB writes it; two levels. */
  usual: {
    pageSize: 4096,
    keys: 40,
    transactions: 120,
    operations: 3,
    value: [20, 400],
    bigEvery: 30,
    big: [5000, 9000],
    deleteEvery: 9,
    compactEvery: 50,
    retain: 90,
    users: 2,
    roles: 2,
    leases: 2,
    leaseEvery: 5,
    members: 1,
  },
  /** Transactions of several operations; a compaction that was not finished. */
  halfCompacted: {
    pageSize: 1024,
    keys: 30,
    transactions: 80,
    operations: 5,
    txn: true,
    value: [5, 90],
    deleteEvery: 6,
    compactEvery: 40,
    retain: 30,
    unfinished: true,
  },
  /** With a free list, as nothing but another system's etcd writes it. */
  freelist: {
    pageSize: 512,
    freelistSync: true,
    freelistType: 'array',
    keys: 30,
    transactions: 120,
    operations: 4,
    value: [0, 150],
    bigEvery: 30,
    big: [700, 1500],
    compactEvery: 50,
    retain: 60,
  },
  /** A single leaf of each, nearly nothing in it. */
  tiny: { pageSize: 512, keys: 2, transactions: 2, value: [1, 9] },
  /** Of an etcd that nobody has written to. */
  empty: { keys: 1, transactions: 0, value: [1, 1] },
} satisfies Record<string, Recipe>;

export type BaseName = keyof typeof BASES;
