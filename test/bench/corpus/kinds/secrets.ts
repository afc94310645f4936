import { gzipSync } from 'node:zlib';
import type { Random } from '../../../support/random.ts';
import type { Site, Step } from '../site.ts';
import { image, labels, many, name, noise, pem, suffix, word } from '../text.ts';
import { podSpec } from './pod.ts';

/** Of one writer. */
const SMALL = 15;
const RELEASES = 2;
const REVISIONS_KEPT = 5;
const MANIFESTS = 40;

/** Secrets: passwords and certificates, which nothing compresses, and Helm's releases, which are compressed already. */
export function secrets(site: Site): Step {
  const { random } = site;
  const releases = many(RELEASES, () => ({ release: name(random), revision: 0 }));
  return async function keep() {
    return random.below(6) === 0 ? upgrade(site, random.pick(releases)) : rotate(site);
  };
}

const pathOf = ({ namespace }: Site): string => `/api/v1/namespaces/${namespace}/secrets`;
const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');

async function rotate(site: Site): Promise<void> {
  const { api, random } = site;
  const number = random.below(SMALL);
  const certificate = number % 2 === 0;
  const data: Record<string, string> = certificate
    ? { 'tls.crt': base64(pem(random) + pem(random)), 'tls.key': base64(pem(random, 'PRIVATE KEY')) }
    : { user: base64(word(random)), password: base64(suffix(random, 32)), key: base64(noise(random, 64)) };
  await api.change(`${pathOf(site)}/credentials-${number}`, 'cert-manager', 'apply', {
    apiVersion: 'v1',
    kind: 'Secret',
    type: certificate ? 'kubernetes.io/tls' : 'Opaque',
    metadata: { name: `credentials-${number}`, labels: labels('credentials') },
    data,
  });
}

/** As `helm upgrade`: a new Secret for each revision, and the oldest goes. */
async function upgrade(site: Site, of: { release: string; revision: number }): Promise<void> {
  const { api, random } = site;
  of.revision += 1;
  const nameOf = (revision: number) => `sh.helm.release.v1.${of.release}.v${revision}`;
  await api.create(pathOf(site), 'helm', {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'helm.sh/release.v1',
    metadata: {
      name: nameOf(of.revision),
      labels: { name: of.release, owner: 'helm', status: 'deployed', version: String(of.revision) },
    },
    data: { release: base64(base64(gzipSync(release(random, of.release)))) },
  });
  if (of.revision > REVISIONS_KEPT)
    await api.remove(`${pathOf(site)}/${nameOf(of.revision - REVISIONS_KEPT)}`);
}

const release = (random: Random, app: string): string =>
  JSON.stringify({
    name: app,
    info: { status: 'deployed', description: 'Upgrade complete' },
    chart: { metadata: { name: app, version: `1.${random.below(40)}.0`, appVersion: image(random) } },
    manifest: many(MANIFESTS, () =>
      JSON.stringify({ kind: 'Deployment', spec: podSpec(random, name(random)) }),
    ).join('\n---\n'),
  });
