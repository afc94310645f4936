import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resourceOf } from '../../src/util/resources.ts';

describe('the resource of a key', () => {
  const keys: [key: string, name: string, part: string][] = [
    ['pods/default/web-0', 'pods', 'pods/'],
    ['namespaces/default', 'namespaces', 'namespaces/'],
    ['minions/cp-1', 'nodes', 'minions/'],
    ['controllers/default/rc', 'replicationcontrollers', 'controllers/'],
    ['ingress/default/web', 'ingresses', 'ingress/'],
    ['services/specs/default/kubernetes', 'services', 'services/specs/'],
    ['services/endpoints/default/kubernetes', 'endpoints', 'services/endpoints/'],
    ['services/other/x', 'services/other', 'services/other/'],
    [
      'apiregistration.k8s.io/apiservices/v1.',
      'apiservices.apiregistration.k8s.io',
      'apiregistration.k8s.io/apiservices/',
    ],
    [
      'cert-manager.io/certificates/shop/tls',
      'certificates.cert-manager.io',
      'cert-manager.io/certificates/',
    ],
    ['ranges/serviceips', 'ranges', 'ranges/'],
    ['health', 'health', 'health'],
    ['example.com/only', 'only.example.com', 'example.com/only'],
    ['/empty', '(no name)', '/'],
    ['', '(no name)', ''],
    ['constructor/x', 'constructor', 'constructor/'],
    ['__proto__/x', '__proto__', '__proto__/'],
    ['po ds\n\u0000"/x', 'po?ds??"', 'po ds\n\u0000"/'],
  ];
  for (const [key, name, part] of keys) {
    test(`${JSON.stringify(key)} is ${name}`, () => {
      assert.deepEqual(resourceOf(Buffer.from(key)), { name, length: Buffer.byteLength(part) });
    });
  }

  test('may be of any bytes, and as long as it likes', () => {
    assert.equal(resourceOf(Buffer.from([0xff, 0xfe, 0x2f, 0x61])).length, 3);
    assert.equal(resourceOf(Buffer.from(`${'x'.repeat(5000)}/y`)).name.length, 120);
  });
});
