import { basename, join } from 'node:path';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import type { Plugin } from 'esbuild';
import protobuf from 'protobufjs';
import type { CompiledProto, Method } from './proto-loader.ts';

/** The files of the bundle that load a .proto, and which. Another one fails the build. */
const LOADERS: Record<string, string> = {
  'node_modules/etcd3/lib/connection-pool.js': 'node_modules/etcd3/proto/rpc.proto',
  'src/etcd/client/status-method.ts': 'src/etcd/client/status.proto',
};
/** They load theirs when somebody asks gRPC for a server's insight into itself, and nobody does. */
const NEVER = [
  'node_modules/@grpc/grpc-js/build/src/channelz.js',
  'node_modules/@grpc/grpc-js/build/src/orca.js',
];

/** What decides how a .proto is read; all else is a matter of how its messages are told. */
const READ_AS = { keepCase: true } as const;

/**
 * Parsing etcd3's .proto files takes a seventh of the time until the first call: whoever loads one gets, in the place of
 * @grpc/proto-loader, a loader that knows this one only, parsed at build time.
 */
export function precompiledProtos(root: string): Plugin {
  return {
    name: 'precompiled-protos',
    setup(build) {
      build.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ importer }) => {
        const loader = importer.slice(root.length + 1);
        if (NEVER.includes(loader)) return { path: loader, namespace: 'no-proto' };
        const proto = LOADERS[loader];
        if (proto === undefined)
          throw new Error(`${loader} loads a .proto that build/protos.ts does not know`);
        return { path: proto, namespace: 'proto' };
      });
      build.onLoad({ filter: /.*/, namespace: 'no-proto' }, ({ path }) => ({
        contents: `exports.loadSync = () => { throw new Error(${JSON.stringify(`${path} loads a .proto, which is not in the bundle`)}); };`,
      }));
      build.onLoad({ filter: /.*/, namespace: 'proto' }, ({ path }) => ({
        contents: `
          import { loaderOf } from './build/proto-loader.ts';
          export const loadSync = loaderOf(${JSON.stringify(compile(join(root, path)))});`,
        resolveDir: root,
      }));
    },
  };
}

/** A .proto as data, with what it imports. */
export function compile(path: string): CompiledProto {
  const root = new protobuf.Root();
  root.loadSync(path, READ_AS).resolveAll();
  return { name: basename(path), readAs: READ_AS, messages: root.toJSON(), services: servicesOf(path, root) };
}

/** As @grpc/proto-loader tells them, so that no name in gRPC's client is another one. */
function servicesOf(file: string, root: protobuf.Root): CompiledProto['services'] {
  const services: CompiledProto['services'] = {};
  for (const [name, definition] of Object.entries(loadSync(file, READ_AS))) {
    if (!('format' in definition)) services[name] = methodsOf(definition, root.lookupService(name)); // no message
  }
  return services;
}

function methodsOf(definition: ServiceDefinition, service: protobuf.Service): Record<string, Method> {
  const methods: Record<string, Method> = {};
  for (const [name, { path, requestStream, responseStream, originalName = name }] of Object.entries(
    definition,
  )) {
    const { resolvedRequestType, resolvedResponseType } = service.methods[name] ?? {};
    if (!resolvedRequestType || !resolvedResponseType) throw new Error(`${path} has no messages`);
    const [request, response] = [resolvedRequestType.fullName, resolvedResponseType.fullName];
    methods[name] = { path, requestStream, responseStream, originalName, request, response };
  }
  return methods;
}
