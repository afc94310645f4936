import { createReadStream } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

/**
 * Uploads a file as a script would, in a process of its own. Its arguments are the bucket and the file; it prints what that
 * took from here on: a start of Node and of the SDK is nobody's upload.
 */

const [Bucket = '', file = ''] = process.argv.slice(2);
const began = performance.now();
const before = process.cpuUsage();
const client = new S3Client({ forcePathStyle: true });
await new Upload({ client, params: { Bucket, Key: 'peer/snapshot', Body: createReadStream(file) } }).done();
client.destroy();
const { user, system } = process.cpuUsage(before);
console.log(
  JSON.stringify({
    seconds: (performance.now() - began) / 1000,
    processorSeconds: (user + system) / 1e6,
  }),
);
