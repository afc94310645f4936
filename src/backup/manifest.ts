import { cutUsage } from '../bolt/usage/cut.ts';
import { NAMED_USAGE, type Usage, type UsageFigures } from '../bolt/usage/types.ts';
import { COMPRESSIONS } from '../config/backup.ts';
import { jsonText } from '../util/printable.ts';
import { FieldProblem, MAX_TEXT, parseFields, type Fields } from './fields.ts';
import type { BackupName } from './names.ts';

const FORMAT = 1;
/** More than an environment variable can hold. */
const MAX_RECIPIENTS = 4096;
/** Of a resource, a namespace, a key, as JSON: a key of 1,024 ASCII characters, and something over. */
const MAX_NAME_BYTES = 1200;
/** More than a cluster has members. */
const MAX_PROBLEMS = 100;

/**
 * The manifest of a backup, stored beside it as `<name>.json` and written last: a data file without one is not a
 * backup. Sizes are bytes, times RFC 3339 in UTC, hashes SHA-256 in hex.
 */
export interface Manifest {
  format: 1;
  /** The data file's name, without its folder. */
  name: string;
  cluster: { name: string; id: string };
  member: { id: string; name: string };
  etcdVersion: string;
  /** Every write up to this revision is in the snapshot; it may hold a few later ones. */
  revision: number;
  raftTerm: number;
  raftAppliedIndex: number;
  startedAt: string;
  finishedAt: string;
  /** The database file without etcd's 32-byte trailer, and the hash which that trailer holds. */
  raw: { size: number; sha256: string };
  stored: { size: number; sha256: string };
  compression: BackupName['compression'];
  /**
   * The operator's public keys that the file is encrypted for; empty when it is not encrypted. The one that the run
   * threw away is not among them: nobody can open anything with it.
   */
  encryption: { recipients: string[] };
  /** Keys that existed at `revision`. */
  keys: number;
  /** The member's database at that moment: bytes in use, and its quota where it has one. */
  database?: { inUse: number; quota?: number };
  hashKV?: { hash: number; revision: number; compactRevision: number };
  /** What fills the database, as of `revision`; missing where it was not looked at. */
  usage?: Usage;
  node?: string;
  /** What was wrong with the cluster when the backup was taken, in words. */
  problems: string[];
  createdBy: { name: 'etcd-upkeep'; version: string };
}

/** What was read, or what is wrong with the text (as in "its manifest cannot be used: ..."). */
export type ParsedManifest = { ok: true; value: Manifest } | { ok: false; problem: string };

/** The text of a manifest file. What is for people only, and longer than a reader takes, is cut. */
export function formatManifest(manifest: Manifest): string {
  const { member, etcdVersion, usage, node, problems } = manifest;
  const within: Manifest = {
    ...manifest,
    member: { ...member, name: cut(member.name) },
    etcdVersion: cut(etcdVersion),
    ...(usage !== undefined && { usage: usageWithin(usage) }),
    ...(node !== undefined && { node: cut(node) }),
    problems: problems.slice(0, MAX_PROBLEMS).map((problem) => cut(problem)),
  };
  return `${jsonText(within, 2)}\n`;
}

const cut = (text: string, most = MAX_TEXT): string =>
  text.length > most ? `${text.slice(0, most - 3)}...` : text;

/** What of it goes into a manifest: so much of each list, and names as long as a reader takes. */
export function usageWithin(usage: Usage): Usage {
  const { total, resources, namespaces, largest, mostRevised } = cutUsage(usage, NAMED_USAGE);
  return {
    total,
    resources: resources.map((one) => ({ ...one, resource: cutAsJson(one.resource) })),
    namespaces: namespaces.map((one) => ({ ...one, namespace: cutAsJson(one.namespace) })),
    largest: largest.map((one) => ({ ...one, key: cutAsJson(one.key) })),
    mostRevised: mostRevised.map((one) => ({ ...one, key: cutAsJson(one.key) })),
  };
}

/**
 * Anybody may write any keys, and JSON may take six bytes for a character: two hundred names of those would be more than
 * a store reads of a manifest. What is text to anybody is shorter, and is not cut here.
 */
function cutAsJson(text: string): string {
  const within = cut(text);
  return Buffer.byteLength(jsonText(within)) > MAX_NAME_BYTES ? cut(within, MAX_NAME_BYTES / 6) : within;
}

/**
 * Reads a manifest strictly, and no part of it alone: a head without the rest is nobody's backup. Fields that it does not
 * know are dropped: later versions may add some.
 */
export function parseManifest(text: string): ParsedManifest {
  try {
    return { ok: true, value: manifestIn(parseFields(text)) };
  } catch (error) {
    if (!(error instanceof FieldProblem)) throw error;
    return { ok: false, problem: error.message };
  }
}

/** The same of fields that were read already. @throws FieldProblem */
export function manifestIn(fields: Fields): Manifest {
  fields.oneOf('format', [FORMAT]); // another format may give the same names another meaning
  const cluster = fields.object('cluster');
  const member = fields.object('member');
  const createdBy = fields.object('createdBy');
  return {
    format: FORMAT,
    name: fields.text('name'),
    cluster: { name: cluster.text('name'), id: cluster.id('id') },
    member: { id: member.id('id'), name: member.text('name') },
    etcdVersion: fields.text('etcdVersion'),
    revision: fields.integer('revision'),
    raftTerm: fields.integer('raftTerm'),
    raftAppliedIndex: fields.integer('raftAppliedIndex'),
    startedAt: fields.time('startedAt'),
    finishedAt: fields.time('finishedAt'),
    raw: contentOf(fields.object('raw')),
    stored: contentOf(fields.object('stored')),
    // One that this version cannot read is a backup all the same.
    compression: fields.oneOf('compression', [...COMPRESSIONS, 'gzip']),
    encryption: { recipients: fields.object('encryption').texts('recipients', MAX_RECIPIENTS) },
    keys: fields.integer('keys'),
    ...(fields.has('database') ? { database: databaseOf(fields.object('database')) } : {}),
    ...(fields.has('hashKV') ? { hashKV: hashOf(fields.object('hashKV')) } : {}),
    ...(fields.has('usage') ? { usage: usageOf(fields.object('usage')) } : {}),
    ...(fields.has('node') ? { node: fields.text('node') } : {}),
    problems: fields.texts('problems', MAX_PROBLEMS),
    createdBy: { name: createdBy.oneOf('name', ['etcd-upkeep']), version: createdBy.text('version') },
  };
}

function contentOf(fields: Fields): { size: number; sha256: string } {
  return { size: fields.integer('size'), sha256: fields.sha256('sha256') };
}

function databaseOf(fields: Fields): NonNullable<Manifest['database']> {
  return {
    inUse: fields.integer('inUse'),
    ...(fields.has('quota') ? { quota: fields.integer('quota') } : {}),
  };
}

function hashOf(fields: Fields): NonNullable<Manifest['hashKV']> {
  return {
    hash: fields.integer('hash'),
    revision: fields.integer('revision'),
    compactRevision: fields.integer('compactRevision', -1), // -1: never compacted
  };
}

/** One more for `other`. */
const MOST_GROUPS = NAMED_USAGE + 1;

function usageOf(fields: Fields): Usage {
  return {
    total: figuresOf(fields.object('total')),
    resources: fields
      .objects('resources', MOST_GROUPS)
      .map((group) => ({ resource: group.text('resource'), ...figuresOf(group) })),
    namespaces: fields
      .objects('namespaces', MOST_GROUPS)
      .map((group) => ({ namespace: group.text('namespace'), ...figuresOf(group) })),
    largest: fields
      .objects('largest', NAMED_USAGE)
      .map((one) => ({ key: one.text('key'), bytes: one.integer('bytes') })),
    mostRevised: fields
      .objects('mostRevised', NAMED_USAGE)
      .map((one) => ({ key: one.text('key'), revisions: one.integer('revisions') })),
  };
}

const figuresOf = (fields: Fields): UsageFigures => ({
  keys: fields.integer('keys'),
  revisions: fields.integer('revisions'),
  liveBytes: fields.integer('liveBytes'),
  historyBytes: fields.integer('historyBytes'),
});
