import type { Random } from '../../support/random.ts';
import type { Api } from './api.ts';

/** What one writer works on: a namespace of its own, so that no two of them write one object. */
export interface Site {
  api: Api;
  random: Random;
  namespace: string;
  /** of all nodes there are */
  nodes: readonly string[];
  /** that this writer has the heartbeats of */
  ownNodes: readonly string[];
  /** A time as Kubernetes writes it. Each is later than the one before, whatever the clock of the machine says. */
  time: () => string;
}

/** Writes once, what comes next for the objects of one kind. */
export type Step = () => Promise<void>;

const BEGIN = Date.UTC(2026, 0, 1);

export function clock(random: Random): () => string {
  let now = BEGIN;
  return () => {
    now += random.below(10_000);
    return new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  };
}
