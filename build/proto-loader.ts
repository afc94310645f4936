import protobuf from 'protobufjs/light.js';

/** A .proto that was parsed at build time. */
export interface CompiledProto {
  /** Of the file, as `rpc.proto`. */
  name: string;
  /** The options that it was parsed with. */
  readAs: { keepCase: boolean };
  messages: protobuf.INamespace;
  services: Record<string, Record<string, Method>>;
}

export interface Method {
  path: string;
  requestStream: boolean;
  responseStream: boolean;
  originalName: string;
  /** The full names of its messages. */
  request: string;
  response: string;
}

interface Options extends protobuf.IConversionOptions {
  keepCase?: boolean;
}

type TypeOf = (name: string) => protobuf.Type;

/** What stands in the bundle for `loadSync` of @grpc/proto-loader: without a parser, for one file. */
export function loaderOf({ name, readAs, messages, services }: CompiledProto) {
  return (path: string, options: Options = {}) => {
    if (!path.endsWith(`/${name}`)) throw new Error(`${path} is not in the bundle, but ${name}`);
    if (options.keepCase !== readAs.keepCase) throw new Error(`${name} is in the bundle with other options`);
    let root: protobuf.Root | undefined;
    const typeOf = (type: string): protobuf.Type =>
      (root ??= protobuf.Root.fromJSON(messages)).lookupType(type);
    return mapValues(services, (methods) =>
      mapValues(methods, (method) => definitionOf(method, typeOf, options)),
    );
  };
}

/** gRPC's clients read no more of it: descriptions of the messages, which take longer than all else, are left out. */
function definitionOf({ request, response, ...method }: Method, typeOf: TypeOf, options: Options) {
  return { ...method, ...wayOf('request', request), ...wayOf('response', response) };

  function wayOf(prefix: 'request' | 'response', name: string) {
    return {
      [`${prefix}Serialize`]: (message: object) => {
        const type = typeOf(name);
        return type.encode(type.fromObject(message)).finish();
      },
      [`${prefix}Deserialize`]: (bytes: Uint8Array) => {
        const type = typeOf(name);
        return type.toObject(type.decode(bytes), options);
      },
    };
  }
}

const mapValues = <From, To>(values: Record<string, From>, map: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]));
