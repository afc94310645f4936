import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CHART, HELM_VERSIONS, renderEnv, renderText, runHelm } from './chart.ts';
import { renderTexts } from './many.ts';
import { problemsIn, problemsOf } from './schema.ts';

const KEY = `age1${'q'.repeat(58)}`;

/** Values that cannot work -> what helm has to say about them. */
const REJECTED: Record<string, [values: object, message: RegExp]> = {
  'an unknown key': [{ backup: { keepLatest: 3 } }, /\/backup'?.*additional propert.*'keepLatest'/i],
  'an unknown key at the top': [{ retention: 3 }, /additional propert.*'retention'/i],
  'a password in values': [{ etcd: { auth: { password: 'x' } } }, /\/etcd\/auth.*'password'/],
  'compaction without a backup': [
    { backup: { enabled: false }, defrag: { enabled: false } },
    /\/backup\/skipConfirmed': value must be 'true, or backup\.enabled true/,
  ],
  'defragmentation without a backup': [
    { backup: { enabled: false }, compaction: { enabled: false } },
    /\/backup\/skipConfirmed': value must be 'true, or backup\.enabled true/,
  ],
  'a bucket without a name for the cluster': [
    { backup: { store: 's3://bucket' } },
    /\/clusterName': value must be 'a name for this cluster/,
  ],
  'a store that is no URL': [{ backup: { store: '/backups' } }, /\/backup\/store':.*\^\(file:/],
  'a file store with nothing behind it': [
    { backup: { hostPath: '' } },
    /\/backup\/hostPath': value must be 'a folder on the node; or/,
  ],
  'a claim that is named and not enabled': [
    { backup: { persistence: { existingClaim: 'mine' } } },
    /\/backup\/persistence\/enabled': value must be 'true where existingClaim is set/,
  ],
  'a claim without a size': [
    { backup: { persistence: { enabled: true, size: '' } } },
    /\/backup\/persistence\/size': value must be 'the size of the new claim/,
  ],
  'a certificate without its key': [
    { etcd: { tls: { hostPath: { key: '' } } } },
    /\/etcd\/tls\/hostPath\/key': value must be 'set where cert is/,
  ],
  'a key without its certificate': [
    { etcd: { tls: { existingSecret: 's', secretKeys: { cert: '' } } } },
    /\/etcd\/tls\/secretKeys\/cert': value must be 'set where key is/,
  ],
  'certificates for plain text': [
    { etcd: { endpoints: ['http://127.0.0.1:2379'] } },
    /\/etcd\/tls\/enabled': value must be 'false for http:\/\/ endpoints/,
  ],
  'no endpoint': [{ etcd: { endpoints: [] } }, /\/etcd\/endpoints': minItems/],
  'a policy where policies do not apply': [
    { networkPolicy: { enabled: true } },
    /\/networkPolicy\/enabled': value must be 'false with hostNetwork/,
  ],
  'a duration without a unit': [{ defrag: { timeout: '600' } }, /\/defrag\/timeout':/],
  'a duration as a number': [{ backup: { timeout: 30 } }, /\/backup\/timeout':/],
  'a timeout of nothing': [{ etcd: { dialTimeout: '0s' } }, /\/etcd\/dialTimeout':/],
  'a lease of hours': [{ lockTtl: '2h' }, /\/lockTtl':/],
  'an endpoint without a port': [{ etcd: { endpoints: ['https://a'] } }, /\/etcd\/endpoints\/0':/],
  'an endpoint with a password': [{ etcd: { endpoints: ['https://u:p@a:1'] } }, /\/etcd\/endpoints\/0':/],
  'a name with a blank': [{ clusterName: 'my cluster' }, /\/clusterName':/],
  'a quota of nothing': [{ etcd: { quotaBytes: 0 } }, /\/etcd\/quotaBytes': minimum/],
  'a store with a query': [{ backup: { store: 'file:///b?x' } }, /\/backup\/store':/],
  'a bucket whose cluster lost its name': [
    { backup: { store: 's3://bucket' }, clusterName: null },
    /missing property 'clusterName'|\/clusterName': value must be 'a name/,
  ],
  'a change without a backup whose confirmation is null': [
    { backup: { enabled: false, skipConfirmed: null } },
    /missing property 'skipConfirmed'|\/backup\/skipConfirmed': value must be/,
  ],
  'certificates for plain text where null says what is the default': [
    { etcd: { endpoints: ['http://127.0.0.1:2379'], tls: { enabled: null } } },
    /missing property 'enabled'|\/etcd\/tls\/enabled': value must be/,
  ],
  'no time at all to start, as text': [{ startingDeadlineSeconds: '0' }, /\/startingDeadlineSeconds':/],
  'a port that is none, as text': [{ networkPolicy: { etcd: { ports: ['65536'] } } }, /\/etcd\/ports\/0':/],
  'a part of nothing, as text': [{ prometheusRule: { runs: { shrunkTo: '0.0' } } }, /\/shrunkTo':/],
  'a store elsewhere than what is mounted': [
    { backup: { hostPath: '' }, extraVolumeMounts: [{ name: 'certs', mountPath: '/etc/ssl' }] },
    /Nothing is mounted at \/backups, where backup\.store is: set backup\.hostPath/,
  ],
  'a user that kubelet will not start': [
    { podSecurityContext: { runAsNonRoot: true } },
    /runAsNonRoot is true, and the pod would run as root .*Take runAsNonRoot away; or use a Secret/,
  ],
  'a number for a variable': [
    { extraEnv: [{ name: 'A', value: 5 }] },
    /\/extraEnv\/0\/value': got number, want string/,
  ],
  'a size that is none': [{ defrag: { minDbSize: '100MB' } }, /\/defrag\/minDbSize':/],
  'a number below 0': [{ compaction: { retention: -1 } }, /\/compaction\/retention': minimum/],
  'a part above 1': [{ defrag: { minFragmentation: 45 } }, /\/defrag\/minFragmentation': maximum/],
  'a boolean in quotes': [{ dryRun: 'false' }, /\/dryRun': got string, want null or boolean/],
  'a compression nobody knows': [
    { backup: { compression: 'gzip' } },
    /\/backup\/compression': value must be/,
  ],
  'a public key that was cut short': [
    { backup: { ageRecipients: [KEY.slice(0, -1)] } },
    /\/backup\/ageRecipients\/0':.*\^age1/,
  ],
  'a secret key where a public one belongs': [
    { backup: { ageRecipients: [`AGE-SECRET-KEY-1${'Q'.repeat(58)}`] } },
    /\/backup\/ageRecipients\/0':.*\^age1/,
  ],
  'a drill of backups that are not made': [
    {
      drill: { enabled: true },
      backup: { enabled: false },
      compaction: { enabled: false },
      defrag: { enabled: false },
    },
    /\/drill\/enabled': value must be 'false where no backup is taken \(backup\.enabled\)/,
  ],
  'a drill that cannot open the backups': [
    { drill: { enabled: true }, backup: { ageRecipients: [KEY] } },
    /\/drill\/ageIdentity\/existingSecret': value must be 'a Secret with an identity that opens the backups/,
  ],
  'an identity in values': [
    { drill: { ageIdentity: { identity: 'x' } } },
    /\/drill\/ageIdentity.*'identity'/,
  ],
  'a drill without room': [{ drill: { sizeLimit: '' } }, /\/drill\/sizeLimit':/],
  'a drill without an image': [{ drill: { image: '' } }, /\/drill\/image': minLength/],
  'a heartbeat in values': [{ heartbeat: { url: 'https://hc.example/x' } }, /\/heartbeat.*'url'/],
  'a Pushgateway with a password': [
    { metrics: { pushgatewayUrl: 'http://me:secret@gateway:9091' } },
    /\/metrics\/pushgatewayUrl':/,
  ],
  'a Pushgateway that is no URL': [
    { metrics: { pushgatewayUrl: 'gateway:9091' } },
    /\/metrics\/pushgatewayUrl':/,
  ],
  'a file for metrics with nothing behind it': [
    { metrics: { textfile: { enabled: true, hostPath: '' } } },
    /\/metrics\/textfile\/hostPath': value must be 'the folder of node_exporter on the node; or mount/,
  ],
  'a prefix that begins without a slash': [{ objectPrefix: 'registry/' }, /\/objectPrefix':/],
  'rules without an alert': [
    { prometheusRule: { enabled: true, runs: { enabled: false }, etcd: { enabled: false } } },
    /\/prometheusRule\/enabled': value must be 'false where neither/,
  ],
  'a quota in percent': [
    { prometheusRule: { etcd: { quota: { info: 65 } } } },
    /\/etcd\/quota\/info': maximum/,
  ],
  'a size with a unit where Prometheus reads it': [
    { prometheusRule: { etcd: { fragmentation: { minBytes: '500Mi' } } } },
    /\/fragmentation\/minBytes': '500Mi' does not match/,
  ],
  'a job that would end the query': [{ prometheusRule: { etcd: { job: 'a"} or b{c="' } } }, /\/etcd\/job':/],
  'a schedule of six fields': [{ schedule: '0 0 2 * * *' }, /\/schedule':/],
  'a relative path': [{ backup: { hostPath: 'var/backups' } }, /\/backup\/hostPath':/],
  'a deadline that ends runs in the middle': [
    { activeDeadlineSeconds: 3600 },
    /activeDeadlineSeconds is 3600, less than backup\.timeout \(1800s\) \+ 5 members x \(compaction\.timeout \(600s\) \+ defrag\.timeout \(600s\) \+ defrag\.wait \(10s\)\) \+ 2 x defrag\.timeout = 9050/,
  ],
};

const ACCEPTED: Record<string, object> = {
  global: { global: { imageRegistry: 'anything' } },
  zeros: {
    backoffLimit: 0,
    successfulJobsHistoryLimit: 0,
    backup: { keepLast: 0 },
    compaction: { retention: 0 },
    defrag: { minFragmentation: 0, minDbSize: 0, quotaUsage: 0, minReclaim: '0', wait: 0 },
  },
  'what is set to null': {
    backup: { keepLast: null, timeout: null },
    compaction: { retention: null, timeout: null },
    defrag: { minDbSize: null, wait: null, timeout: null },
    timeZone: null,
    clusterName: null,
    nodeSelector: null,
    tolerations: null,
    priorityClassName: null,
  },
  'a Pushgateway under a path, a dashboard under a label of its own': {
    metrics: { pushgatewayUrl: 'http://[2001:db8::1]:9091/path/' },
    objectPrefix: null,
    dashboard: { enabled: true, labels: { grafana_dashboard: null, mine: 'yes' } },
    prometheusRule: { enabled: true },
  },
  'to be a part of another chart': { enabled: true },
  'a schedule of the kind "@every"': { schedule: '@every 24h' },
  'no backup where nothing is changed': {
    backup: { enabled: false },
    compaction: { enabled: false },
    defrag: { enabled: false },
  },
  'no backup where that is confirmed': { backup: { enabled: false, skipConfirmed: true } },
  'a store that one of the extra volumes is': {
    backup: { hostPath: '' },
    extraVolumes: [{ name: 'nfs', nfs: { server: 'nfs.example.com', path: '/etcd' } }],
    extraVolumeMounts: [{ name: 'nfs', mountPath: '/backups' }],
  },
  'encrypted backups without a drill': { backup: { ageRecipients: [KEY] } },
  'a drill of encrypted backups, old and new': {
    backup: { ageRecipients: [KEY] },
    drill: { enabled: true, ageIdentity: { existingSecret: 'backup-key' } },
  },
  'an endpoint without a scheme': { etcd: { endpoints: ['10.0.0.1:2379', '[2001:db8::1]:2379'] } },
  'all that Go takes for a duration': { defrag: { timeout: '1h30m0.5s', wait: '1500ms' } },
  'a deadline just long enough': { activeDeadlineSeconds: 9050 },
};

/** What helm makes a number of, or leaves a text. */
const TYPED = [
  'defrag.minFragmentation=0.3',
  'defrag.wait=0',
  'defrag.minDbSize=104857600',
  'etcd.quotaBytes=8589934592',
  'backup.keepLast=0',
  'compaction.retention=0',
  'etcd.endpoints={https://10.0.0.1:2379,https://10.0.0.2:2379}',
  'nodeSelector.kubernetes\\.io/hostname=node-1',
];

describe('helm', { concurrency: 2 }, () => {
  for (const helm of HELM_VERSIONS) {
    // Where the schema has nothing to say a template has, which helm only asks of values that the schema takes.
    const told = problemsOf(
      helm,
      Object.values(REJECTED).map(([values]) => values),
    );
    for (const [index, [what, [values, message]]] of Object.entries(REJECTED).entries()) {
      test(`${helm} rejects ${what}`, async () => {
        // A template says one thing; so does the schema, whatever else a mistake has to do with.
        const [problem, ...more] = (await told)[index] ?? [];
        assert.deepEqual(more, []);
        if (problem === undefined) await assert.rejects(renderText({ helm, values }), { message });
        else assert.match(`at '${problem.at}': ${problem.said}`, message);
      });
    }

    test(`${helm} says all of that by itself`, async () => {
      const values = { backup: { keepLatest: 3, timeout: 30 }, dryRun: 'false' };
      await assert.rejects(renderText({ helm, values }), ({ message }: Error) => {
        assert.deepEqual(
          problemsIn(message)
            .map(({ at }) => at)
            .toSorted(),
          ['/backup', '/backup/timeout', '/dryRun'],
        );
        return true;
      });
    });

    test(`${helm} accepts what is typed after --set`, async () => {
      const env = await renderEnv({ helm, set: TYPED });
      assert.equal(env['DEFRAG_MIN_FRAGMENTATION'], '0.3');
      assert.equal(env['DEFRAG_WAIT'], '0');
      assert.equal(env['DEFRAG_MIN_DB_SIZE'], '104857600');
      assert.equal(env['BACKUP_KEEP_LAST'], '0');
      assert.equal(env['ETCDCTL_ENDPOINTS'], 'https://10.0.0.1:2379,https://10.0.0.2:2379');
    });

    test(`${helm} renders all that is accepted`, async () => {
      await renderTexts(Object.values(ACCEPTED), { helm });
    });

    for (const [what, values] of Object.entries(ACCEPTED)) {
      test(`${helm} accepts ${what}`, async () => {
        await runHelm(['lint', '--strict', CHART], { helm, values });
      });
    }
  }
});
