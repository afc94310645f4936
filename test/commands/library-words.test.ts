import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { runJob } from '../support/run-job.ts';
import { awsEnv } from '../support/s3-server.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

// The AWS SDK says by `console.warn`, in eight lines, that both are set.
test('what a library prints by itself passes the one printer', async () => {
  await using scratch = await scratchFolder('library');
  const profiles = join(scratch.path, 'profiles');
  await writeFile(profiles, '[default]\naws_access_key_id = one\naws_secret_access_key = other\n');
  const env = {
    ...awsEnv(`http://127.0.0.1:${await freePort()}`),
    AWS_SHARED_CREDENTIALS_FILE: profiles,
    AWS_PROFILE: 'default',
    BACKUP_STORE: 's3://backups/etcd?forcePathStyle=true',
    CLUSTER_NAME: 'prod',
  };
  const { stderr, stdout } = await runJob(env, { args: ['list'] });
  const lines = stderr.trim().split('\n');
  assert.equal(stdout, '');
  assert.equal(lines.length, 2, stderr);
  assert.match(lines[0] ?? '', /^warning: .*Multiple credential sources detected: Both AWS_PROFILE and/);
  assert.match(lines[1] ?? '', /^etcd-upkeep: could not list/);
});
