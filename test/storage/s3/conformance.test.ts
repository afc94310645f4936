import { CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Fault } from '../../support/s3-proxy.ts';
import { conformance, type Root } from '../conformance.ts';
import { startPlace } from './place.ts';

conformance('S3', startRoot);

const FOLDER = 'etcd/prod/';
const inFolder = (keys: string[]): string[] =>
  keys.filter((key) => key.startsWith(FOLDER)).map((key) => key.slice(FOLDER.length));

/** What is written through the store goes through a proxy, which can answer in the server's place. */
async function startRoot(): Promise<Root> {
  const place = await startPlace();
  const { server, proxy } = place;

  const answering = (fault: Fault) => async (work: () => Promise<void>) => {
    proxy.fail(({ operation }) => (/^Put|Upload/.test(operation) ? fault : undefined));
    await work();
    proxy.reset();
  };

  return {
    open: (options) => place.open(options),
    remains: async () => inFolder([...(await server.keys()), ...(await server.uploads())]).toSorted(),
    put: async (path, content) => {
      const object = { Bucket: server.bucket, Key: `etcd/${path}`, Body: content };
      await server.client.send(new PutObjectCommand(object));
    },
    leave: async (name) => {
      const object = { Bucket: server.bucket, Key: `${FOLDER}${name}` };
      await server.client.send(new CreateMultipartUploadCommand(object));
    },
    clear: () => server.clear(),
    faults: {
      access: answering({ kind: 'answer', status: 403, code: 'AccessDenied' }),
      'no-space': answering({ kind: 'answer', status: 507, code: 'XMinioStorageFull' }),
    },
    [Symbol.asyncDispose]: place[Symbol.asyncDispose],
  };
}
