import type { Cluster } from '../../support/etcd-cluster.ts';
import { seeded } from '../../support/random.ts';
import type { Api } from './api.ts';
import { defineCustom } from './kinds/custom.ts';
import { createNamespace } from './kinds/namespace.ts';
import { createNode } from './kinds/nodes.ts';
import { clock, type Site } from './site.ts';
import { many } from './text.ts';
import { writer } from './writer.ts';

/** At once, each in a namespace of its own. */
const WRITERS = 32;
const NODES = 96;
/** Between two looks at the size. */
const WRITES = 100;

/** Lives on a cluster until its database has that many bytes; how many writes that took. */
export async function writeUntil(bytes: number, etcd: Cluster, api: Api): Promise<number> {
  await defineCustom(api);
  const nodes = many(NODES, (index) => `node-${index}.example.com`);
  const sites = many(WRITERS, (index) => siteOf(api, index, nodes));
  await Promise.all(sites.map((site) => settle(site)));
  let written = 0;
  const member = etcd.member(0);
  const size = async () => (await member.status()).dbSize;
  await Promise.all(
    sites.map(async (site) => {
      const write = writer(site);
      while ((await size()) < bytes) {
        for (let number = 0; number < WRITES; number += 1) await write();
        written += WRITES;
      }
    }),
  );
  return written;
}

function siteOf(api: Api, index: number, nodes: readonly string[]): Site {
  const random = seeded(1 + index);
  return {
    api,
    random,
    namespace: `team-${index}`,
    nodes,
    ownNodes: nodes.filter((_, node) => node % WRITERS === index),
    time: clock(random),
  };
}

async function settle(site: Site): Promise<void> {
  await createNamespace(site);
  for (const node of site.ownNodes) await createNode(site, node);
}
