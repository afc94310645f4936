import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BACKUP_ONLY, startEtcdAndS3, waitFor } from '../support/etcd-and-s3.ts';
import { freePort } from '../support/free-port.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob, startJob } from '../support/run-job.ts';
import { awsEnv } from '../support/s3-server.ts';

// Each has a cluster and a server of its own: most of the time they wait for retries and limits.
describe('a backup to S3', { concurrency: 3 }, () => {
  test('stays when the server says nothing more while old ones are deleted: at a signal, or in time', async () => {
    await using both = await startEtcdAndS3();
    const env = both.env({ ...BACKUP_ONLY, BACKUP_KEEP_LAST: '1' });
    assertRunEnded(await runJob(env), 0, 'nothing-needed');
    for (const hanging of ['ListObjectsV2', 'DeleteObject']) {
      both.proxy.reset();
      both.proxy.fail(({ operation }) => {
        const written = both.proxy.requests.some(({ key }) => key.endsWith('.json'));
        return operation === hanging && written ? { kind: 'hang' } : undefined;
      });
      const report = assertRunEnded(await runJob({ ...env, BACKUP_TIMEOUT: '9s' }), 5, 'partial');
      assertSteps(report, { backup: 'done', prune: 'failed' });
      assert.match(
        report.steps.prune.reason,
        /not all deleted within the \d s that were left of BACKUP_TIMEOUT.*s3:\/\/backups/,
      );
    }
    const hung = both.proxy.requests.length;
    await using job = await startJob(env);
    await waitFor(() =>
      both.proxy.requests.slice(hung).some(({ operation }) => operation === 'DeleteObject'),
    );
    const asked = Date.now();
    job.kill('SIGTERM');
    assertRunEnded(await job.finished, 143, 'aborted');
    assert.ok(Date.now() - asked < 10_000);
    assert.equal((await both.server.keys()).length, 8);
  });

  test('ends the uploads of dead runs', async () => {
    await using both = await startEtcdAndS3();
    both.proxy.fail(({ part }) => (part === 3 ? { kind: 'hang' } : undefined));
    await using job = await startJob(
      both.env({ ...BACKUP_ONLY, BACKUP_COMPRESSION: 'none', LOCK_TTL: '2s' }),
    );
    await waitFor(() => both.proxy.requests.some(({ part }) => part === 3));
    job.kill('SIGKILL');
    await job.finished;
    assert.equal((await both.server.uploads()).length, 1);
    both.proxy.reset();
    await sleep(10_000); // no run of today's limit could still be writing it
    const result = await runJob(both.env({ ...BACKUP_ONLY, BACKUP_TIMEOUT: '10s' }));
    assertRunEnded(result, 0, 'nothing-needed');
    assert.deepEqual(await both.server.uploads(), []);
    assert.ok(result.lines.some(({ msg }) => msg === 'temporary file of a dead run deleted'));
  });

  test('fails when the server is down from the start', async () => {
    await using both = await startEtcdAndS3();
    const url = `http://127.0.0.1:${await freePort()}`;
    const reason = await both.refused(undefined, awsEnv(url));
    assert.match(reason, /could not list s3:\/\/backups\/etcd\/prod\/.*ECONNREFUSED.*AWS_ENDPOINT_URL_S3/);
  });

  test('fails when the server dies in the middle, and what is left of it goes with the next run', async () => {
    await using both = await startEtcdAndS3();
    const timeoutMs = 10_000;
    let old = 0;
    const reason = await both.refused(async ({ part }) => {
      if (part !== 3) return undefined;
      old ||= Date.now() + timeoutMs;
      await both.server.kill();
      return { kind: 'reset' };
    });
    assert.match(reason, /could not write s3:.*(could not be reached|connection broke)/);
    await both.server.start();
    assert.deepEqual(await both.server.keys(), []);
    assert.equal((await both.server.uploads()).length, 1);
    both.proxy.reset();
    await sleep(old - Date.now()); // no run of that limit could still be writing it
    const next = await runJob(both.env({ ...BACKUP_ONLY, BACKUP_TIMEOUT: `${timeoutMs}ms` }));
    assertRunEnded(next, 0, 'nothing-needed');
    assert.equal((await both.server.keys()).length, 2);
    assert.deepEqual(await both.server.uploads(), []);
  });

  test('fails within BACKUP_TIMEOUT when the server is slow', async () => {
    await using both = await startEtcdAndS3();
    const began = Date.now();
    const reason = await both.refused(({ part }) => (part ? { kind: 'delay', ms: 3_000 } : undefined), {
      BACKUP_TIMEOUT: '5s',
    });
    assert.match(reason, /longer than BACKUP_TIMEOUT \(5 s\)/);
    assert.ok(Date.now() - began < 12_000);
  });

  for (const hanging of [
    'ListMultipartUploads',
    'ListObjectsV2',
    'UploadPart',
    'CompleteMultipartUpload',
    'PutObject',
    'GetObject',
  ]) {
    test(`fails within BACKUP_TIMEOUT when the server says nothing more to ${hanging}`, async () => {
      await using both = await startEtcdAndS3();
      const reason = await both.refused(
        ({ operation }) => (operation === hanging ? { kind: 'hang' } : undefined),
        { BACKUP_TIMEOUT: '4s' },
      );
      assert.match(reason, /longer than BACKUP_TIMEOUT \(4 s\)/);
    });
  }

  test('succeeds when the server answers 500 for a while', async () => {
    await using both = await startEtcdAndS3();
    await both.done(({ count, operation }) =>
      count < 3 && operation !== 'ListMultipartUploads'
        ? { kind: 'answer', status: 500, code: 'InternalError' }
        : undefined,
    );
  });

  test('fails when it goes on answering 500', async () => {
    await using both = await startEtcdAndS3();
    const reason = await both.refused(({ operation }) =>
      operation === 'UploadPart' ? { kind: 'answer', status: 500, code: 'InternalError' } : undefined,
    );
    assert.match(reason, /the server is in trouble \(InternalError, .*tried 9 times\)/);
  });

  test('fails when only the manifest is refused, and takes the data away', async () => {
    await using both = await startEtcdAndS3();
    const reason = await both.refused(({ operation, key }) =>
      operation === 'PutObject' && key.endsWith('.json')
        ? { kind: 'answer', status: 403, code: 'AccessDenied' }
        : undefined,
    );
    assert.match(
      reason,
      /could not write s3:.*\.json: access denied.*s3:PutObject on arn:aws:s3:::backups\/etcd/,
    );
  });

  test('succeeds when the connection is reset at the last part, or at the end', async () => {
    await using both = await startEtcdAndS3();
    for (const operation of ['UploadPart', 'CompleteMultipartUpload'] as const) {
      both.proxy.reset();
      await both.server.clear();
      let faults = 0;
      await both.done((request) => {
        if (request.operation !== operation || (request.part !== undefined && request.part < 5))
          return undefined;
        return faults++ < 2 ? { kind: 'reset' } : undefined;
      });
      assert.ok(faults >= 2);
    }
  });

  test('fails when the connection is reset at the last part each time', async () => {
    await using both = await startEtcdAndS3();
    const reason = await both.refused(({ part }) => (part === 5 ? { kind: 'reset' } : undefined));
    assert.match(reason, /connection broke/);
  });

  test('succeeds when an answer is cut while it is read back, fails when it always is', async () => {
    await using both = await startEtcdAndS3();
    await both.done(({ operation, count }) =>
      operation === 'GetObject' && count < 2 ? { kind: 'cut', at: 3_000_000 } : undefined,
    );
    both.proxy.reset();
    await both.server.clear();
    const reason = await both.refused(({ operation }) =>
      operation === 'GetObject' ? { kind: 'cut', at: 1000 } : undefined,
    );
    assert.match(reason, /could not read s3:.*connection broke/);
  });
});
