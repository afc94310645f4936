import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { problemsOf } from './support.ts';

describe('endpoints', () => {
  const good: readonly (readonly [string, readonly string[]])[] = [
    ['etcd:2379', ['http://etcd:2379']],
    ['https://a:2379, https://b:2379', ['https://a:2379', 'https://b:2379']],
    ['http://127.0.0.1:80', ['http://127.0.0.1:80']],
    ['https://a:443', ['https://a:443']],
    ['https://[::1]:2379', ['https://[::1]:2379']],
    ['https://[0:0:0:0:0:0:0:1]:2379,https://[::0001]:2379', ['https://[::1]:2379']],
    ['HTTPS://Etcd-0.Example.com:2379', ['https://etcd-0.example.com:2379']],
    ['https://a:2379/', ['https://a:2379']],
    ['a:1,http://A:1,a:2', ['http://a:1', 'http://a:2']],
    ['https://etcd_1.ns.svc.cluster.local.:65535', ['https://etcd_1.ns.svc.cluster.local.:65535']],
  ];
  for (const [text, endpoints] of good) {
    test(text, () => assert.deepEqual(loadConfig({ ETCDCTL_ENDPOINTS: text }).etcd.endpoints, endpoints));
  }

  test('has TLS settings exactly where the endpoints are https', () => {
    assert.equal(loadConfig({ ETCDCTL_ENDPOINTS: 'http://a:2379' }).etcd.tls, undefined);
    assert.notEqual(loadConfig({ ETCDCTL_ENDPOINTS: 'https://a:2379' }).etcd.tls, undefined);
  });

  const bad: readonly (readonly [string, RegExp])[] = [
    ['https://a', /has the item "https:\/\/a"; it should name its port/],
    ['a', /name its port/],
    ['a:2379,', /has the item ""; there should be an endpoint/],
    [',', /has the item ""/],
    ['a:2379,,b:2379', /has the item ""/],
    ['ftp://a:2379', /scheme should be https or http/],
    ['https:///a:2379', /no path, no query/],
    ['unix:///run/etcd.sock', /unix sockets are not supported/],
    ['unixs://x:1', /unix sockets are not supported/],
    ['https://a:2379/v3', /no path, no query/],
    ['https://a:2379?x=1', /no query/],
    ['https://a:2379#x', /no query/],
    ['https://u:p@a:2379', /ETCDCTL_USER and ETCDCTL_PASSWORD/],
    ['::1:2379', /IPv6 address in brackets/],
    ['[::1', /IPv6 address in brackets/],
    ['[127.0.0.1]:2379', /host should be/],
    ['[fe80::1%eth0]:2379', /host should be/],
    ['10.0.0.256:2379', /host should be/],
    ['10.0.1:2379', /host should be/],
    ['a b:2379', /host should be/],
    ['-a:2379', /host should be/],
    ['a..b:2379', /host should be/],
    [':2379', /host should be/],
    ['a:0', /port should be/],
    ['a:65536', /port should be/],
    ['a:x', /port should be/],
    ['a:', /port should be/],
    ['a:+80', /port should be/],
    ['http://a:2379,https://b:2379', /mixes https and http/],
    ['a:2379,https://b:2379', /mixes https and http/],
  ];
  for (const [text, message] of bad) {
    test(`refuses ${text}`, () => {
      const problems = problemsOf({ ETCDCTL_ENDPOINTS: text });
      assert.ok(problems.length > 0);
      for (const problem of problems) {
        assert.equal(problem.variable, 'ETCDCTL_ENDPOINTS');
        assert.match(problem.message, message);
      }
    });
  }

  test('reports every wrong item', () => {
    assert.equal(problemsOf({ ETCDCTL_ENDPOINTS: 'a,b:2379,c:0,' }).length, 3);
  });
});

describe('credentials', () => {
  const good: readonly (readonly [string, string | undefined, string, string])[] = [
    ['root:pw', undefined, 'root', 'pw'],
    ['root:p:w', undefined, 'root', 'p:w'],
    ['root', 'p:w', 'root', 'p:w'],
    ['ro:ot', 'pw', 'ro:ot', 'pw'],
  ];
  for (const [user, given, username, password] of good) {
    test(`${user} and ${given}`, () => {
      const { etcd } = loadConfig({ ETCDCTL_USER: user, ETCDCTL_PASSWORD: given });
      assert.deepEqual(etcd.credentials, { username, password });
    });
  }

  const bad: readonly (readonly [string, string, string, RegExp])[] = [
    ['root', '', 'ETCDCTL_USER', /has no password/],
    ['root:', '', 'ETCDCTL_USER', /has no password/],
    [':pw', '', 'ETCDCTL_USER', /should have a name/],
    ['', 'pw', 'ETCDCTL_PASSWORD', /ETCDCTL_USER is not/],
  ];
  for (const [user, password, variable, message] of bad) {
    test(`refuses "${user}" and "${password}"`, () => {
      const problems = problemsOf({ ETCDCTL_USER: user, ETCDCTL_PASSWORD: password });
      assert.deepEqual(
        problems.map((problem) => problem.variable),
        [variable],
      );
      assert.match(problems[0]?.message ?? '', message);
    });
  }

  test('warns of a colon in the name and of a line break at the end, without showing either', () => {
    const colon = loadConfig({ ETCDCTL_USER: 'root:hidden', ETCDCTL_PASSWORD: 'pw' }).warnings;
    assert.match(colon.join(), /holds a colon/);
    assert.doesNotMatch(colon.join(), /hidden/);
    assert.match(loadConfig({ ETCDCTL_USER: 'root:pw\n' }).warnings.join(), /line break/);
    assert.match(
      loadConfig({ ETCDCTL_USER: 'root\n', ETCDCTL_PASSWORD: 'pw' }).warnings.join(),
      /line break/,
    );
  });
});
