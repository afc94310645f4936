import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startCluster } from '../../support/etcd-cluster.ts';
import { startApiServer } from '../../support/kubernetes/apiserver.ts';
import { MIB } from '../../support/units.ts';
import { connectApi } from './api.ts';
import { checkContent } from './content.ts';
import { writeUntil } from './write.ts';

/** Objects that a real kube-apiserver wrote; `encrypted`: by one that encrypts all that it stores. */
export type Corpus = 'objects' | 'encrypted';

/** Of the file. */
const BYTES = 400 * MIB;
const QUOTA_BYTES = 4 * BYTES;
/** It collects garbage less often, which took a sixth of its time, and takes 3 GiB of memory for it. */
const ENV = { GOGC: '300' };
/** Nothing that it writes is to be compacted, and nothing is to slow the writers down. */
const FLAGS = [
  '--etcd-compaction-interval=0',
  '--enable-priority-and-fairness=false',
  '--max-requests-inflight=0',
  '--max-mutating-requests-inflight=0',
  '--profiling=false',
];
const SECRET = Buffer.alloc(32, 'a key of the benches').toString('base64');
const ENCRYPTION = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [{ resources: ['*.*'], providers: [{ aesgcm: { keys: [{ name: 'key1', secret: SECRET }] } }] }],
};

/** Fills a real etcd through a real kube-apiserver and saves a snapshot of it as `file`; how many writes that took. */
export async function makeCorpus(corpus: Corpus, file: string, folder: string): Promise<number> {
  await using etcd = await startCluster({ tls: true, quotaBytes: QUOTA_BYTES, dataDir: folder });
  const token = randomUUID();
  const extraArgs = [...FLAGS, ...(await fileFlags(corpus, token, folder))];
  let written: number;
  {
    await using server = await startApiServer({ etcd, env: ENV, extraArgs });
    using api = await connectApi(server.url, server.authority.ca, token);
    written = await writeUntil(BYTES, etcd, api);
  }
  await checkContent(etcd, corpus);
  await etcd.etcdctl('snapshot', 'save', file);
  return written;
}

/** A token, because a client's certificate is verified anew for each request; and the keys, where there are some. */
async function fileFlags(corpus: Corpus, token: string, folder: string): Promise<string[]> {
  const tokens = join(folder, 'tokens.csv');
  await writeFile(tokens, `${token},admin,admin,system:masters\n`);
  if (corpus === 'objects') return [`--token-auth-file=${tokens}`];
  const config = join(folder, 'encryption.yaml');
  await writeFile(config, stringify(ENCRYPTION));
  return [`--token-auth-file=${tokens}`, `--encryption-provider-config=${config}`];
}
