import assert from 'node:assert/strict';
import type { Cluster } from '../../support/etcd-cluster.ts';
import type { Corpus } from './make.ts';

/** The first segments of the keys of all kinds, and what Kubernetes stores them as. */
const KINDS: Record<string, 'protobuf' | 'json'> = {
  'minions/': 'protobuf',
  'leases/kube-node-lease/': 'protobuf',
  'namespaces/': 'protobuf',
  'pods/': 'protobuf',
  'deployments/': 'protobuf',
  'replicasets/': 'protobuf',
  'endpointslices/': 'protobuf',
  'configmaps/': 'protobuf',
  'secrets/': 'protobuf',
  'events/': 'protobuf',
  'roles/': 'protobuf',
  'rolebindings/': 'protobuf',
  'serviceaccounts/': 'protobuf',
  'apiextensions.k8s.io/customresourcedefinitions/': 'json',
  'example.com/applications/': 'json',
};
const BEGINNINGS = { protobuf: 'k8s\0', json: '{"' };
const ENCRYPTED = 'k8s:enc:aesgcm:v1:key1:';
/** Of each kind this many are looked at. */
const SAMPLE = 20;
/** A key was written so often at the least, taken together: most of the file is history. */
const REVISIONS_OF_A_KEY = 4;

interface Range {
  header: { revision: string };
  count: string;
  kvs?: { key: string; value: string }[];
}

/** Throws unless the database holds every kind in the form that the corpus is for, and much history. */
export async function checkContent(etcd: Cluster, corpus: Corpus): Promise<void> {
  for (const [kind, form] of Object.entries(KINDS)) {
    const { kvs = [] } = await range(etcd, `/registry/${kind}`);
    assert.ok(kvs.length > 0, `${corpus} has no ${kind}`);
    const expected = corpus === 'encrypted' ? ENCRYPTED : BEGINNINGS[form];
    for (const { key, value } of kvs) {
      const beginning = Buffer.from(value, 'base64').toString('latin1').slice(0, expected.length);
      assert.equal(beginning, expected, Buffer.from(key, 'base64').toString());
    }
  }
  const { header, count } = await range(etcd, '');
  const keys = Number(count);
  assert.ok(
    Number(header.revision) > REVISIONS_OF_A_KEY * keys,
    `${header.revision} revisions of ${keys} keys`,
  );
}

/** A few keys below the prefix, and how many there are. */
async function range(etcd: Cluster, prefix: string): Promise<Range> {
  const answer = await etcd.etcdctlJson('get', prefix, '--prefix', `--limit=${SAMPLE}`);
  assert.ok(isRange(answer), JSON.stringify(answer).slice(0, 200));
  return answer;
}

const isRange = (answer: unknown): answer is Range =>
  typeof answer === 'object' && answer !== null && 'header' in answer && 'count' in answer;
