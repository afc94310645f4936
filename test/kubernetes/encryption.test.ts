import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { encryptionIn, sealedAs } from '../../src/kubernetes/encryption.ts';

const AESCBC = { aescbc: { keys: [{ name: 'key1', secret: 'c2VjcmV0' }] } };
const KMS = { kms: { apiVersion: 'v2', name: 'vault', endpoint: 'unix:///kms.sock' } };

const configOf = (...resources: object[]): string =>
  stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources });

test('a configuration without KMS is as it was given', () => {
  const resources = [
    { resources: ['secrets', 'widgets.example.com'], providers: [AESCBC, { identity: {} }] },
  ];
  const { config, kms } = encryptionIn(configOf(...resources));
  assert.deepEqual(kms, []);
  assert.deepEqual(config, {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources,
  });
});

test('KMS providers are left out by their names, and identity takes the place of none', () => {
  const { config, kms } = encryptionIn(
    configOf(
      { resources: ['secrets'], providers: [KMS, AESCBC] },
      { resources: ['configmaps'], providers: [KMS] },
    ),
  );
  assert.deepEqual(kms, ['vault', 'vault']);
  assert.deepEqual(config, {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [
      { resources: ['secrets'], providers: [AESCBC] },
      { resources: ['configmaps'], providers: [{ identity: {} }] },
    ],
  });
});

for (const [what, text] of Object.entries({
  'no YAML': 'kind: EncryptionConfiguration\n  secret: dG9wc2VjcmV0: [',
  'another kind': stringify({ kind: 'Secret', resources: [{ secret: 'dG9wc2VjcmV0' }] }),
  'no resources': configOf(),
  'a list': '- dG9wc2VjcmV0',
  nothing: '',
  'aliases without an end':
    'a: &a [x, x, x, x, x, x, x, x, x, x]\n' +
    'bcdefgh'
      .split('')
      .map((name, at) => `${name}: &${name} [${Array(10).fill(`*${'abcdefg'[at]}`).join(', ')}]`)
      .join('\n'),
}))
  test(`what is no EncryptionConfiguration is refused without a word of it: ${what}`, () => {
    assert.throws(
      () => encryptionIn(text),
      ({ message }: Error) =>
        /^is (not YAML|no EncryptionConfiguration)/.test(message) && !message.includes('dG9w'),
    );
  });

test('of what the parser only warns of it says nothing: that would quote the line with the key', async () => {
  const heard: string[] = [];
  const listen = ({ message }: Error): void => void heard.push(message);
  process.on('warning', listen);
  try {
    const secret = '!vault dG9wc2VjcmV0';
    const keys = `{ name: key1, secret: ${secret} }, { ? { secret: dG9wc2VjcmV0 } : 1 }`;
    const entry = `{ resources: [secrets], providers: [{ aescbc: { keys: [${keys}] } }] }`;
    encryptionIn(`%FOO dG9wc2VjcmV0\n---\nkind: EncryptionConfiguration\nresources: [${entry}]`);
    await new Promise(setImmediate); // a warning comes by the next tick
  } finally {
    process.off('warning', listen);
  }
  assert.deepEqual(heard, []);
});

test('anchors, merge keys and the line ends of Windows mean what they mean to kube-apiserver', () => {
  const text = [
    'kind: EncryptionConfiguration',
    'resources:',
    '  - resources: ["*.*"]',
    '    providers:',
    '      - aesgcm: &keys',
    '          keys: [{ name: key1, secret: c2VjcmV0 }]',
    '      - secretbox: { <<: *keys }',
  ];
  const keys = [{ name: 'key1', secret: 'c2VjcmV0' }];
  assert.deepEqual(encryptionIn(text.join('\r\n')).config, {
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['*.*'], providers: [{ aesgcm: { keys } }, { secretbox: { keys } }] }],
  });
});

const of = (text: string) => sealedAs(Buffer.from(text));

test('a stored value says itself how it is encrypted', () => {
  assert.deepEqual(of('k8s:enc:aescbc:v1:key1:\x00\xff'), { provider: 'aescbc', key: 'key1' });
  assert.deepEqual(of('k8s:enc:kms:v2:vault:...'), { provider: 'kms', key: 'vault' });
  for (const plain of [
    '',
    'k8s\0\n',
    '{"kind":"Widget"}',
    'k8s:enc:',
    `k8s:enc:aescbc:v1:${'k'.repeat(200)}:`,
  ])
    assert.equal(of(plain), undefined);
});
