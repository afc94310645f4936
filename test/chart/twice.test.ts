import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CHART, HELM_VERSIONS, render, type RenderOptions } from './chart.ts';
import { type DryRun, startDryRun } from './dry-run.ts';

/** Volumes, mounts and variables of the user's beside those of the chart: nothing twice, and nothing that hides another. */

let dryRun: DryRun;
before(async () => {
  dryRun = await startDryRun();
});
after(() => dryRun[Symbol.asyncDispose]());

const DRILL = { drill: { enabled: true } };

test('what is mounted besides, from volumes of its own and of the chart', async () => {
  const values = {
    ...DRILL,
    metrics: { textfile: { enabled: true, hostPath: '' } },
    extraVolumes: [
      { name: 'certs', secret: { secretName: 'certs' } },
      { name: 'node-exporter', hostPath: { path: '/srv' } },
    ],
    extraVolumeMounts: [
      { name: 'certs', mountPath: '/certs', readOnly: true },
      { name: 'certs', mountPath: '/etc/ssl/one.pem', subPath: 'one.pem' },
      { name: 'node-exporter', mountPath: '/textfile' },
      { name: 'backups', mountPath: '/elsewhere' },
    ],
  };
  await dryRun.apply({ values });
  await dryRun.applyOnServer({ values });
});

const NFS = { name: 'nfs', nfs: { server: 'nfs.example.com', path: '/etcd' } };
const mounted = (name: string, mountPath: string) => ({
  extraVolumes: [{ name, emptyDir: {} }],
  extraVolumeMounts: [{ name, mountPath }],
});
const SECRETS = join(CHART, 'ci/s3-values.yaml');

/** Values that a real API server would refuse, or hide something of -> what is said of them instead. */
const REFUSED: Record<string, [options: RenderOptions, message: RegExp]> = {
  'a second volume where the backups are': [
    { values: { extraVolumes: [NFS], extraVolumeMounts: [{ name: 'nfs', mountPath: '/backups' }] } },
    /\/backups is mounted twice, from the volumes backups and nfs.*set backup\.hostPath to ""/,
  ],
  'one where a claim is, written otherwise': [
    {
      values: {
        backup: { persistence: { enabled: true }, store: 'file:///srv/etcd' },
        ...mounted('mine', '/srv/etcd/'),
      },
    },
    /\/srv\/etcd is mounted twice/,
  ],
  'one over the certificates': [
    { values: { etcd: { tls: { existingSecret: 'etcd' } }, ...mounted('mine', '/pki') } },
    /\/pki is mounted twice, from the volumes pki and mine.*another mountPath\.$/m,
  ],
  'one over the CA': [
    { values: { etcd: { tls: { ca: { existingSecret: 'ca' } } }, ...mounted('mine', '/etcd-ca') } },
    /\/etcd-ca is mounted twice/,
  ],
  'one over the CA of the store': [
    {
      file: SECRETS,
      values: { backup: { s3: { ca: { existingSecret: 'ca' } } }, ...mounted('m', '/store-ca') },
    },
    /\/store-ca is mounted twice/,
  ],
  'one over the metrics': [
    { values: { metrics: { textfile: { enabled: true } }, ...mounted('mine', '/textfile') } },
    /\/textfile is mounted twice.*set metrics\.textfile\.hostPath to ""/,
  ],
  'one over what a drill works in': [
    { values: { ...DRILL, ...mounted('mine', '/drill') } },
    /\/drill is mounted twice, from the volumes drill and mine/,
  ],
  'two of extraVolumeMounts at one place': [
    {
      values: {
        extraVolumes: [NFS],
        extraVolumeMounts: ['/a', '/a'].map((mountPath) => ({ name: 'nfs', mountPath })),
      },
    },
    /\/a is mounted twice, from the volumes nfs and nfs/,
  ],
  'a volume under a name of the chart': [
    { values: mounted('backups', '/more') },
    /Two volumes are named backups.*give the one in extraVolumes another name/,
  ],
  'a volume under a name of the drill': [
    { values: { ...DRILL, ...mounted('drill', '/more') } },
    /Two volumes are named drill/,
  ],
  'a volume twice': [{ values: { extraVolumes: [NFS, NFS] } }, /Two volumes are named nfs/],
  'a volume that is none': [
    { values: { extraVolumeMounts: [{ name: 'nfs', mountPath: '/nfs' }] } },
    /mounts the volume nfs, which the pod of the run does not have: add it to extraVolumes/,
  ],
  'a volume of the run in a drill': [
    { values: { ...DRILL, extraVolumeMounts: [{ name: 'etcd-ca', mountPath: '/ca' }] } },
    /mounts the volume etcd-ca, which the pod of the drill does not have/,
  ],
  'a volume without a name': [
    { values: { extraVolumes: [{ emptyDir: {} }] } },
    /\/extraVolumes\/0': missing property 'name'/,
  ],
  'a variable twice': [
    { values: { extraEnv: ['1', '2'].map((value) => ({ name: 'HTTPS_PROXY', value })) } },
    /extraEnv has HTTPS_PROXY twice.*Leave one\./,
  ],
  'a variable twice, in the drill too': [
    { values: { ...DRILL, extraEnv: ['1', '1'].map((value) => ({ name: 'A', value })) } },
    /extraEnv has A twice/,
  ],
};

describe('helm refuses', () => {
  for (const helm of HELM_VERSIONS) {
    for (const [what, [options, message]] of Object.entries(REFUSED)) {
      test(`${what}, helm ${helm}`, () => assert.rejects(render({ helm, ...options }), { message }));
    }
  }
});
