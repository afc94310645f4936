import assert from 'node:assert/strict';
import { test } from 'node:test';
import { services, text, withDefaults } from './compose-file.ts';

/** What docs/browse/compose.yaml must never say: most of it would work all the same. */

test('one port is published, on loopback, and no service is on the network of the host', () => {
  const published = Object.entries(services).flatMap(([name, { ports = [] }]) =>
    ports.map((port) => [name, withDefaults(port)]),
  );
  assert.deepEqual(published, [['browse', '127.0.0.1:16443:6443']]);
  const networks = Object.entries(services).map(([name, one]) => [name, one.network_mode ?? 'its own']);
  assert.deepEqual(Object.fromEntries(networks), {
    fetch: 'its own',
    restore: 'none',
    browse: 'its own',
    etcd: 'service:browse',
    alarms: 'service:browse',
    auth: 'service:browse',
    'apiserver-files': 'none',
    'kube-apiserver': 'service:browse',
  });
});

test('none of its services is root or can become it, and what stays ends with browse', () => {
  for (const [name, service] of Object.entries(services)) {
    assert.equal(withDefaults(service.user), '65532:65532', name);
    assert.equal(service.read_only, true, name);
    assert.deepEqual(service.cap_drop, ['ALL'], name);
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
    const added = name === 'kube-apiserver' ? ['NET_BIND_SERVICE'] : [];
    assert.deepEqual(service.cap_add ?? [], added, name);
  }
  for (const name of ['etcd', 'kube-apiserver']) assert.equal(services[name]?.pid, 'service:browse', name);
});

test('of the host it mounts only what it is given, and only to read', () => {
  for (const [name, { volumes = [] }] of Object.entries(services)) {
    for (const volume of volumes) {
      if (typeof volume === 'string') assert.match(volume, /^(drill|apiserver):\/\1$/, name);
      else assert.equal(volume.read_only, true, `${name}: ${volume.target}`);
    }
  }
});

test('every variable is in the list at its top', () => {
  const [list = '', rest = ''] = text.split(/^name: /m);
  const used = Array.from(rest.matchAll(/(?<!\$)\$\{(\w+)/g), ([, name = '']) => name);
  assert.ok(used.length > 10);
  assert.deepEqual(
    used.filter((name) => !new RegExp(`^#.*\\b${name}\\b`, 'm').test(list)),
    [],
  );
});
