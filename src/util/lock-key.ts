/** The key in etcd by which one run at a time works on a cluster. What fills a database is told without it. */
export const LOCK_KEY = 'etcd-upkeep/lock';
