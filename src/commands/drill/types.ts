import type { Manifest } from '../../backup/manifest.ts';
import type { Connection } from '../../etcd/client/connection.ts';
import type { Api } from '../../kubernetes/api.ts';
import type { Resource } from '../../kubernetes/discovery.ts';

/** A restored member, and the API server on it. */
export interface Scratch {
  api: Api;
  connection: Connection;
  /** where Kubernetes keeps its objects */
  prefix: string;
  manifest: Manifest;
  signal: AbortSignal;
}

/** What the API server makes of what etcd holds of one resource. */
export interface ResourceCheck {
  /** as `usage` names it, say `secrets` or `widgets.example.com` */
  resource: string;
  /** keys in etcd */
  stored: number;
  /** objects in the API server's list; missing where there is none */
  served?: number;
  result: 'same' | 'differs' | 'not compared';
  /** for people, of whatever is not the same */
  reason?: string;
  unreadable?: Unreadable;
}

export interface KubernetesReport {
  /** of the API server */
  version: string;
  resources: ResourceCheck[];
  /** Secrets that were read by their names */
  secretsRead: number;
}

/** Objects that etcd holds and the API server cannot read. */
export interface Unreadable {
  count: number;
  /** the first of them: `namespace/name`, or the name alone */
  names: string[];
  /** of the first, for people */
  reason: string;
}

/** A resource with its name in the report, and the prefix of its keys. */
export interface Place extends Resource {
  label: string;
  place: string;
  custom: boolean;
}
