import { chromium } from './chromium.ts';
import {
  actionlint,
  age,
  boltMaker,
  dockerCompose,
  etcdBinary,
  etcdctl,
  etcdutl,
  helm,
  helmDocs,
  kubernetes,
  prometheus,
  promtool,
  pushgateway,
  versitygw,
} from './tools.ts';

/**
 * Finds or builds what a tier of tests needs, one after another: builds use every core by themselves.
 * Run as `npm run tools -- TIER`.
 */

type Prepare = () => Promise<string>;

const ONE_ETCD: Prepare[] = [() => etcdBinary('3.6'), () => etcdctl(), () => etcdutl()];
const ALL_ETCDS: Prepare[] = [
  ...ONE_ETCD,
  () => etcdBinary('3.5'),
  () => etcdutl('3.5'),
  () => etcdBinary('3.5.4'),
  () => etcdBinary('3.7'),
  () => etcdutl('3.7'),
  () => etcdBinary('3.4'),
  () => etcdctl('3.4'),
];
/** What takes the chart, and installs it. */
const API: Prepare[] = [
  () => kubernetes('kube-apiserver'),
  () => kubernetes('kubectl'),
  () => helm('4.3'),
  () => helm('3.22'),
];
/** An API server that is older than the data, and one whose data are older than it. */
const OLDER_API: Prepare[] = [() => kubernetes('kube-apiserver', '1.32.13')];
const LINTERS: Prepare[] = [() => helmDocs(), () => actionlint()];
const NODE: Prepare[] = [
  () => kubernetes('kube-controller-manager'),
  () => kubernetes('kube-scheduler'),
  () => kubernetes('kubelet'),
];

const STORES: Prepare[] = [() => versitygw(), () => age(), () => age('age-keygen')];

const MONITORING: Prepare[] = [() => prometheus(), () => promtool(), () => pushgateway(), () => chromium()];

const TIERS: Record<string, Prepare[]> = {
  demo: ONE_ETCD,
  fuzz: [...ONE_ETCD, () => boltMaker()],
  bench: [...ONE_ETCD, ...STORES, () => kubernetes('kube-apiserver')],
  test: [...ALL_ETCDS, () => boltMaker(), ...STORES, ...MONITORING, ...API, ...OLDER_API, ...LINTERS],
  matrix: ALL_ETCDS,
  e2e: [...ONE_ETCD, ...STORES, ...API, ...NODE, () => dockerCompose()],
};

const [tier = 'test'] = process.argv.slice(2);
const wanted = TIERS[tier];
if (wanted === undefined) throw new Error(`no tier ${tier}; there are ${Object.keys(TIERS).join(', ')}`);
for (const prepare of wanted) console.log(await prepare());
