import { join } from 'node:path';
import type { Host, Network } from '../support/kubernetes/network.ts';
import type { Authority } from '../support/pki.ts';
import { etcdBinary, etcdutl } from '../support/tools.ts';
import { writeProgram } from './restore-site.ts';

export interface EtcdHosts extends AsyncDisposable {
  readonly hosts: Host[];
  /** The client URLs, comma separated. */
  readonly endpoints: string;
}

interface EtcdHostsOptions {
  /** The folder for the hosts' own, which bear their names. */
  folder: string;
  authority: Authority;
  /** A folder for what has to be on their PATH. */
  programs: string;
}

/** The user that packages make for etcd. */
const UID = 2379;
const SIZE = 3;

/** Starts three machines with etcd on them, as a package installs it; what plays systemd starts real processes. */
export async function startEtcdHosts(network: Network, options: EtcdHostsOptions): Promise<EtcdHosts> {
  await using stack = new AsyncDisposableStack();
  const { folder, authority, programs } = options;
  await writeProgram(join(programs, 'etcdutl'), `exec ${await etcdutl()} "$@"\n`);
  await writeProgram(join(programs, 'systemctl'), systemctl(await etcdBinary('3.6')));
  const addresses = Array.from({ length: SIZE }, (_, index) => ({
    name: `etcd-${index + 1}`,
    address: `10.0.0.${11 + index}`,
  }));
  const cluster = addresses.map(({ name, address }) => `${name}=https://${address}:2380`).join(',');
  const hosts: Host[] = [];
  for (const { name, address } of addresses) {
    const own = join(folder, name);
    const folders = { '/var/restore': join(own, 'restore') };
    const host = stack.use(await network.addHost({ name, address, folder: own, folders }));
    const { cert, key } = await authority.server({ name, hosts: [address, '127.0.0.1'] });
    const settings = settingsOf(host, cluster, { ca: authority.ca, cert, key });
    await host.inside('sh', '-c', 'printf %s "$1" >/etc/default/etcd', 'sh', settings);
    await host.inside('install', '-d', '-m', '700', '-o', `${UID}`, '-g', `${UID}`, '/var/lib/etcd');
    hosts.push(host);
  }
  for (const host of hosts) await host.inside(join(programs, 'systemctl'), 'start', '--no-block', 'etcd');
  const owned = stack.move();
  return {
    hosts,
    endpoints: addresses.map(({ address }) => `https://${address}:2379`).join(','),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Debian's /etc/default/etcd. */
function settingsOf(
  { name, address }: Host,
  cluster: string,
  { ca, cert, key }: { ca: string; cert: string; key: string },
): string {
  const both = { TRUSTED_CA_FILE: ca, CERT_FILE: cert, KEY_FILE: key, CLIENT_CERT_AUTH: 'true' };
  const settings = {
    NAME: name,
    DATA_DIR: '/var/lib/etcd',
    LISTEN_CLIENT_URLS: `https://127.0.0.1:2379,https://${address}:2379`,
    ADVERTISE_CLIENT_URLS: `https://${address}:2379`,
    LISTEN_PEER_URLS: `https://${address}:2380`,
    INITIAL_ADVERTISE_PEER_URLS: `https://${address}:2380`,
    INITIAL_CLUSTER: cluster,
    ...both,
    ...Object.fromEntries(Object.entries(both).map(([option, value]) => [`PEER_${option}`, value])),
  };
  return Object.entries(settings)
    .map(([option, value]) => `ETCD_${option}="${value}"\n`)
    .join('');
}

/** What the runbook asks systemd for, on a machine without it. The process is real, though it runs as root. */
function systemctl(etcd: string): string {
  return `case "$*" in
'start --no-block etcd')
  set -a
  . /etc/default/etcd
  ln -sf ${etcd} /run/etcd # it is known by the name of its program
  setsid /run/etcd >>/var/log/etcd.log 2>&1 </dev/null &
  echo $! >/run/etcd.pid ;;
'stop etcd') kill "$(cat /run/etcd.pid)" ;;
*) echo "systemctl $*: not here" >&2; exit 1 ;;
esac
`;
}
