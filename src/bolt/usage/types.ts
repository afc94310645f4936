/** What keys of one kind take up. Bytes are those of their values. */
export interface UsageFigures {
  /** that exist */
  keys: number;
  /** all that the database holds, deletions among them */
  revisions: number;
  /** of the values that keys have */
  liveBytes: number;
  /** of the values that they had */
  historyBytes: number;
}

/** What fills a database, as of one revision. The largest first everywhere; the run's own lock is left out. */
export interface Usage {
  total: UsageFigures;
  /** by resource, as objects are counted; the smallest together as `other` */
  resources: ({ resource: string } & UsageFigures)[];
  /** by namespace; what is in none has an empty name */
  namespaces: ({ namespace: string } & UsageFigures)[];
  /** existing keys by the size of their values */
  largest: { key: string; bytes: number }[];
  mostRevised: { key: string; revisions: number }[];
}

/** So many of each list are in a manifest: what is kept for hundreds of backups must stay small. */
export const NAMED_USAGE = 50;
