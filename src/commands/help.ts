/** What a command's result may be printed as. */
export type Format = 'table' | 'json' | 'html';

/** history reads no more manifests: a store of thousands of backups must not cost thousands of requests. */
export const MOST_RUNS = 400;

/** usage names no more of a list: those that come last in ten thousand are nobody's trouble. */
export const MOST_NAMED = 1000;

interface Command {
  /** what stands behind the name */
  synopsis: string;
  summary: string;
  /** least and most */
  positionals: readonly [number, number];
  options: readonly (keyof typeof OPTIONS)[];
  /** where they are more than a table and JSON */
  formats?: readonly Format[];
  details: string;
}

const OPTIONS = {
  output: ['-o, --output table|json', 'json: one JSON document on standard output, and nothing else there'],
  last: ['--last N', `so many nights, 30 unless told otherwise, ${MOST_RUNS} at the most`],
  top: ['--top N', 'so many of each list, 10 in a table unless told otherwise'],
  all: ['--all', 'Leases and Events too'],
  receipt: [
    '--receipt RECEIPT',
    'a file (JSON) that says what was fetched, with its manifest: fetch writes it, drill reads it',
  ],
  kubeconfig: ['--kubeconfig FILE', 'compare what the API server serves that it leads to, too'],
  'apiserver-log': ['--apiserver-log FILE', "that API server's log: its last lines tell what kept it"],
  'apiserver-timeout': [
    '--apiserver-timeout TIME',
    'how long it may take until it answers, 2m unless told otherwise',
  ],
  'encryption-provider-config': [
    '--encryption-provider-config FILE',
    "the EncryptionConfiguration of the cluster's own API server",
  ],
  port: ['--port N', 'the port of 127.0.0.1 that the API server is found at'],
  ttl: ['--ttl TIME', 'how long it stays, 1h unless told otherwise'],
  help: ['-h, --help', 'this text'],
} as const;

const STORE = `Reads BACKUP_STORE (default file:///backups), CLUSTER_NAME (default: the only cluster in the store) and CLUSTER_ID
(for a folder that has the backups of two clusters), and no variable of etcd's.`;

export const COMMANDS = {
  run: {
    synopsis: '',
    summary: 'back the cluster up, compact, defragment; what happens without a command',
    positionals: [0, 0],
    options: [],
    details: `Everything is said by environment variables, which docs/configuration.md lists. DRY_RUN=true changes nothing.
Standard output is the log.

Exit codes: 0 done or nothing needed, 2 configuration, 3 etcd unreachable, 4 backup failed, 5 backed up but a later
step was refused or failed, 6 another run holds the lock, 143 and 130 ended by a signal.`,
  },
  status: {
    synopsis: '[-o json]',
    summary: 'look at the members and say what a run would do, and why',
    positionals: [0, 0],
    options: ['output'],
    details: `Reads the same variables as a run, and writes neither to etcd nor to the store.

Exit codes: 0 all is well, 2 configuration, 3 etcd unreachable, 5 something is wrong: an unhealthy member, an alarm,
members that do not hold the same data, or a step that a run would refuse.`,
  },
  list: {
    synopsis: '[-o json]',
    summary: 'list the backups in the store, newest first',
    positionals: [0, 0],
    options: ['output'],
    details: `${STORE}
Only the newest manifests are read, so that a store of thousands of backups is listed as quickly as a small one; the
raw size and the cluster ID of older backups are left out.

Exit codes: 0, 2 configuration, 4 the store cannot be read.`,
  },
  history: {
    synopsis: '[--last N] [-o json|html]',
    summary: 'show how the database grew from night to night',
    positionals: [0, 0],
    options: ['output', 'last'],
    formats: ['table', 'json', 'html'],
    details: `Tells by the manifests of the backups in the store: what was pruned is not seen. The newest night comes last, then
size and in use as lines between the least and the most of them, and the forecast of when the quota is reached. In these
lines a blank stands for nights without a backup, | for a restored cluster or a clock that jumped, and a dot for what an
older manifest does not tell. SIZE is that of the database file, which the quota counts; TOOK is with reading back.
html: one page with plots, for a file: it needs no script and loads nothing from anywhere.
${STORE}

Exit codes: 0, 2 configuration, 4 the store cannot be read, or not one of the manifests.`,
  },
  usage: {
    synopsis: '[NAME|latest] [--top N] [-o json]',
    summary: 'show what fills the database: by resource and namespace, the largest objects',
    positionals: [0, 1],
    options: ['output', 'top'],
    details: `LIVE is what the values of existing keys take up, HISTORY what older revisions hold until they are compacted; both
are values alone, so the file is larger. The other keys are those that do not begin with OBJECT_PREFIX (default
/registry/). The manifest has the first 50 of each list, which are also what -o json has. For more (--top, up to
${MOST_NAMED}), or where it has none, the backup is read, twice, and OBJECT_PREFIX says where objects are. The runs' own lock
is left out, and no value is ever shown.
${STORE}
An encrypted backup that has to be read needs BACKUP_AGE_IDENTITY_FILE.

Exit codes: 0, 2 configuration, 4 not found, not readable, not whole, or too large to be looked into.`,
  },
  verify: {
    synopsis: '[NAME|latest|all] [-o json]',
    summary: 'read backups back and compare them with their manifests',
    positionals: [0, 1],
    options: ['output'],
    details: `Reads every stored byte, decodes it, and compares both hashes: that of the stored file and etcd's own. The structure
of the database is part of the proof, unless BACKUP_CHECK_STRUCTURE=false: that etcd can read every page in use. Without
a name: latest, which is the newest backup that agrees with its manifest.
${STORE}
An encrypted backup needs BACKUP_AGE_IDENTITY_FILE.

Exit codes: 0 all that was asked for is whole, 2 configuration, 4 not found, not readable, or not whole.`,
  },
  fetch: {
    synopsis: 'NAME|latest FILE [--receipt RECEIPT] [-o json]',
    summary: 'write a backup to FILE as etcdctl snapshot save would have',
    positionals: [2, 2],
    options: ['output', 'receipt'],
    details: `Reads, decrypts, decompresses and proves the backup, with the structure of the database in it (not with
BACKUP_CHECK_STRUCTURE=false). FILE is for etcdutl snapshot restore; it appears whole or not at all, with mode 0600, and
nothing is ever overwritten.
${STORE}
An encrypted backup needs BACKUP_AGE_IDENTITY_FILE.

Exit codes: 0, 2 configuration, or FILE is there already, 4 not found, not readable, not whole, or FILE cannot be
written, 143 and 130 ended by a signal.`,
  },
  diff: {
    synopsis: 'OLDER NEWER|latest [--all] [--top N] [-o json]',
    summary: 'show which keys were created, changed, deleted between two backups',
    positionals: [2, 2],
    options: ['output', 'all', 'top'],
    details: `Reads and proves both backups, and compares them by keys and revisions: no value is looked at. A key that was
deleted and made again counts as changed. Leases and Events, which change all the time, are only counted unless --all
asks for them; the run's own lock is never shown. -o json has every key. Nothing is written anywhere.
${STORE}
Resources are named by what stands behind OBJECT_PREFIX (default /registry/). An encrypted backup needs
BACKUP_AGE_IDENTITY_FILE.

Exit codes: 0, 2 configuration, or the two are not of one history (a restore lies between them, or NEWER is the older
one), 4 not found, not readable, not whole, or too large to be compared.`,
  },
  drill: {
    synopsis: '[NAME|latest] [--kubeconfig FILE] [-o json], or --receipt RECEIPT ...',
    summary: 'compare a scratch etcd with the backup that it was restored from',
    positionals: [0, 1],
    options: ['output', 'receipt', 'kubeconfig', 'apiserver-log', 'apiserver-timeout'],
    details: `ETCDCTL_ENDPOINTS leads to an etcd that was restored from the backup. Compares the revision, the number of keys and
HashKV with the backup's manifest. Reads only, and refuses the cluster that the backup was taken of.
With --receipt the manifest is that of the very backup that was fetched, even when there is a newer one meanwhile; no
store is needed, and the time that the way back took is told. Else it is read from the store, for latest without a name.
With --kubeconfig (as apiserver writes it) it waits for a kube-apiserver on that etcd, lists every resource as of the
manifest's revision, compares how many objects are served with how many keys there are, and reads every Secret by name.
METRICS_PUSHGATEWAY_URL is told what came of it.

Exit codes: 0 the same, 2 configuration, 3 the scratch etcd cannot be reached, 4 it differs, something in it cannot be
read, no API server came up, or there is no such backup.`,
  },
  apiserver: {
    synopsis: 'FOLDER [--encryption-provider-config FILE] [--port N]',
    summary: 'write the files that a kube-apiserver over a restored etcd is started with',
    positionals: [1, 1],
    options: ['encryption-provider-config', 'port'],
    details: `For the pod of drill and browse. Makes a key pair, a token that may read everything and change nothing, a way out
that leads nowhere, and a kubeconfig, for one server alone; whatever lies in FOLDER under these names is written over.
KMS providers are left out of the EncryptionConfiguration: their plugins run on the control plane.

Exit codes: 0, 2 configuration.`,
  },
  browse: {
    synopsis: '--receipt RECEIPT [--ttl TIME]',
    summary: 'keep an API server over a restored backup, and tell how to reach it',
    positionals: [0, 0],
    options: ['receipt', 'ttl', 'apiserver-log', 'apiserver-timeout'],
    details: `For the pod of browse. KUBECONFIG is what apiserver wrote; POD_NAME and POD_NAMESPACE say where the pod is. Ends
when the time is over, be it used or not.

Exit codes: 0 the time is over, 2 configuration, 4 no API server came up, or it went away, 143 and 130 ended by a
signal.`,
  },
  kubeconfig: {
    synopsis: '[--port N]',
    summary: 'print a kubeconfig for that API server, with its token',
    positionals: [0, 0],
    options: ['port'],
    details: `For kubectl exec in the pod of browse. The server is that port of 127.0.0.1, 16443 unless told otherwise, which
kubectl port-forward leads to the pod. KUBECONFIG is what apiserver wrote.

Exit codes: 0, 2 configuration.`,
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

export const isCommand = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name);

/** What `-o` takes. */
export function formatsOf(name: CommandName): readonly Format[] {
  const { formats = ['table', 'json'] }: Command = COMMANDS[name];
  return formats;
}

/** All commands, one line each. */
export function overview(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`);
  return [
    'Usage: etcd-upkeep [COMMAND] [ARGUMENTS]',
    '',
    ...rows,
    '',
    'etcd-upkeep COMMAND --help tells more.',
    '',
  ].join('\n');
}

/** One command with its options. */
export function helpFor(name: CommandName): string {
  const { synopsis, summary, options, details }: Command = COMMANDS[name];
  const rows = [...options, 'help' as const].map((option) => {
    const [flag, meaning] = OPTIONS[option];
    return [flag.replace('table|json', formatsOf(name).join('|')), meaning] as const;
  });
  const width = Math.max(24, ...rows.map(([flag]) => flag.length)) + 2;
  return [
    `Usage: ${['etcd-upkeep', name, synopsis].filter((part) => part !== '').join(' ')}`,
    '',
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    '',
    details,
    '',
    ...rows.map(([option, meaning]) => `  ${option.padEnd(width)}${meaning}`),
    '',
  ].join('\n');
}
