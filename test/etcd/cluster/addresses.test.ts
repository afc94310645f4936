import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressesOf } from '../../../src/etcd/cluster/addresses.ts';

const TLS = ['https://etcd.example:2379'];
const PLAIN = ['http://etcd.example:2379'];
const of = (given: readonly string[], ...clientUrls: string[]) => addressesOf({ clientUrls }, given);

describe('where https was given', () => {
  test('plain text is told and not asked, however it is spelt', () => {
    const { endpoints, plain, refused } = of(TLS, 'http://a:1', 'HTTP://A:1/', 'https://a:2');
    assert.deepEqual(
      { endpoints, plain, refused },
      { endpoints: ['https://a:2'], plain: ['http://a:1'], refused: [] },
    );
  });

  test('an address without a scheme is https', () => {
    assert.deepEqual(of(TLS, 'a:1').endpoints, ['https://a:1']);
  });
});

test('where http was given, https is asked too, and no scheme is http', () => {
  assert.deepEqual(of(PLAIN, 'a:1', 'https://a:1', 'http://a:2'), {
    endpoints: ['http://a:1', 'https://a:1', 'http://a:2'],
    plain: [],
    refused: [],
  });
});

test('one address in many spellings is one', () => {
  const spellings = [
    'https://Etcd:2379',
    'https://etcd:2379/',
    ' https://etcd:2379',
    'HTTPS://ETCD:2379',
    'etcd:2379',
  ];
  assert.deepEqual(of(TLS, ...spellings).endpoints, ['https://etcd:2379']);
});

for (const text of [
  'dns:etcd:2379',
  'dns:///etcd:2379',
  'ipv4:127.0.0.1:2379',
  'ipv6:[::1]:2379',
  'unix:/run/etcd.sock',
  'unix:///run/etcd.sock',
  'unix-abstract:etcd',
  'xds:///etcd',
  'https://etcd:2379/path',
  'https://etcd',
  'https://user:secret@etcd:2379',
  'user:secret@etcd:2379',
  '',
]) {
  test(`${JSON.stringify(text)} is not asked, and told as what it is`, () => {
    for (const given of [TLS, PLAIN]) {
      const { endpoints, plain, refused } = of(given, text);
      assert.deepEqual([endpoints, plain], [[], []]);
      assert.match(refused.join(), /is not asked: .*(should|not supported)/);
      assert.doesNotMatch(refused.join(), /secret/);
    }
  });
}

test('of a hundred addresses eight are asked, and the rest are told of', () => {
  const many = Array.from({ length: 100 }, (_, index) => `https://a:${index + 1}`);
  const { endpoints, refused } = of(TLS, ...many);
  assert.equal(endpoints.length, 8);
  assert.deepEqual(refused, ['92 more are not asked, at most 8 of a member are']);
});
