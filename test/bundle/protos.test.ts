import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { build } from 'esbuild';
import protobuf from 'protobufjs';
import { loaderOf } from '../../build/proto-loader.ts';
import { compile, precompiledProtos } from '../../build/protos.ts';
import { REPOSITORY } from '../support/repository.ts';

const PROTOS = ['node_modules/etcd3/proto/rpc.proto', 'src/etcd/client/status.proto'];
/** As etcd3 and our own code read them. */
const OPTIONS = [
  { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true },
  { keepCase: true, longs: String, defaults: true },
];

/** A message with something in every field, but for those of messages that hold themselves. */
function sampleOf(type: protobuf.Type, above: readonly protobuf.Type[] = []): Record<string, unknown> {
  const sample: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const { resolvedType, repeated, map, name } = field.resolve();
    if (resolvedType instanceof protobuf.Type && above.includes(resolvedType)) continue;
    if (field.partOf && field.partOf.fieldsArray[0] !== field) continue; // one of those that exclude each other
    const value = valueOf(field, resolvedType, [...above, type]);
    sample[name] = map ? { key: value } : repeated ? [value, value] : value;
  }
  return sample;
}

function valueOf(
  { type }: protobuf.Field,
  resolved: protobuf.Type | protobuf.Enum | null,
  above: protobuf.Type[],
) {
  if (resolved instanceof protobuf.Type) return sampleOf(resolved, above);
  if (resolved instanceof protobuf.Enum) return Object.values(resolved.values).at(-1);
  if (type === 'string') return 'text';
  if (type === 'bytes') return Buffer.from([0, 1, 255]);
  if (type === 'bool') return true;
  if (/64/.test(type)) return '9007199254740993'; // not a number of JavaScript's
  return 7;
}

const shapeOf = ({
  path,
  requestStream,
  responseStream,
  originalName,
}: MethodDefinition<object, object>) => ({
  path,
  requestStream,
  responseStream,
  originalName,
});

/** The loader types whatever it finds in the file as one of everything that it could be. */
const isService = (found: object): found is ServiceDefinition => !('format' in found);

for (const proto of PROTOS) {
  describe(`${proto}, compiled`, () => {
    const file = join(REPOSITORY, proto);
    const parsed = new protobuf.Root();
    parsed.loadSync(file, { keepCase: true }).resolveAll();

    for (const options of OPTIONS) {
      const theirs = loadSync(file, options);
      const ours: Record<string, object> = loaderOf(compile(file))(file, options);
      const services = Object.entries(theirs).filter(([, found]) => isService(found));

      test(`has the services of the file (${Object.keys(options).join(', ')})`, () => {
        assert.deepEqual(
          Object.keys(ours),
          services.map(([name]) => name),
        );
        assert.ok(services.length > 0);
      });

      for (const [name, service] of services) {
        test(`reads and writes ${name} as the file says (${Object.keys(options).join(', ')})`, () => {
          const own = ours[name];
          assert.ok(own && isService(own) && isService(service));
          assert.deepEqual(Object.keys(own), Object.keys(service));
          for (const [key, expected] of Object.entries(service)) {
            const method: MethodDefinition<object, object> | undefined = own[key];
            assert.ok(method);
            assert.deepEqual(shapeOf(method), shapeOf(expected));
            const { resolvedRequestType, resolvedResponseType } =
              parsed.lookupService(name).methods[key] ?? {};
            assert.ok(resolvedRequestType && resolvedResponseType);
            for (const message of [{}, sampleOf(resolvedRequestType)]) {
              const bytes = expected.requestSerialize(message);
              assert.deepEqual(method.requestSerialize(message), bytes);
              assert.deepEqual(method.requestDeserialize(bytes), expected.requestDeserialize(bytes));
            }
            for (const message of [{}, sampleOf(resolvedResponseType)]) {
              const bytes = expected.responseSerialize(message);
              assert.deepEqual(method.responseSerialize(message), bytes);
              assert.deepEqual(method.responseDeserialize(bytes), expected.responseDeserialize(bytes));
            }
          }
        });
      }
    }

    test('is no other file, and not read in another way', () => {
      const load = loaderOf(compile(file));
      assert.throws(() => load('other.proto', { keepCase: true }), /other\.proto is not in the bundle/);
      assert.throws(() => load(file), /other options/);
    });
  });
}

test('a file that loads a .proto which nobody compiled fails the build', async () => {
  const contents = `import { loadSync } from '@grpc/proto-loader'; loadSync('new.proto');`;
  const built = build({
    stdin: { contents, resolveDir: REPOSITORY, sourcefile: 'new.ts' },
    bundle: true,
    write: false,
    platform: 'node',
    plugins: [precompiledProtos(REPOSITORY.replace(/\/$/, ''))],
    logLevel: 'silent',
  });
  await assert.rejects(built, /loads a \.proto that build\/protos\.ts does not know/);
});
