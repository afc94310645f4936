import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runJob, startJob } from './run-job.ts';
import { scratchFolder } from './scratch-folder.ts';

const SCRIPT = `
  import { writeFileSync } from 'node:fs';
  const log = (line) => console.log(JSON.stringify(line));
  log({ msg: 'started', env: Object.keys(process.env).toSorted(), args: process.argv.slice(2) });
  console.log('not JSON');
  const memory = Buffer.alloc(100 * 2 ** 20, 1);
  setTimeout(() => {
    writeFileSync(process.env.TERMINATION_LOG, 'ended');
    console.error('bad', memory.length);
    log({ msg: 'report', outcome: 'partial' });
    process.exitCode = 5;
  }, Number(process.env.WAIT_MS));
`;

async function script(): Promise<AsyncDisposable & { file: string }> {
  const folder = await scratchFolder('script');
  const file = join(folder.path, 'job.mjs');
  await writeFile(file, SCRIPT);
  return { file, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test('a run is told by its code, lines, report and termination message', async () => {
  await using job = await script();
  const result = await runJob({ WAIT_MS: '300' }, { script: job.file, args: ['status'] });
  assert.equal(result.code, 5);
  assert.deepEqual(result.report, { msg: 'report', outcome: 'partial' });
  assert.deepEqual(result.lines[0], {
    msg: 'started',
    env: ['HOME', 'PATH', 'TERMINATION_LOG', 'WAIT_MS'],
    args: ['status'],
  });
  assert.equal(result.lines.length, 2);
  assert.match(result.stdout, /^not JSON$/m);
  assert.match(result.stderr, /^bad/);
  assert.equal(result.terminationMessage, 'ended');
  if (process.platform === 'linux') assert.ok((result.peakRssBytes ?? 0) > 100 * 2 ** 20);
});

test('a job that runs can be waited for and ended', async () => {
  await using file = await script();
  await using job = await startJob({ WAIT_MS: '60000' }, { script: file.file });
  assert.equal((await job.waitForLine(({ msg }) => msg === 'started')).msg, 'started');
  await assert.rejects(
    job.waitForLine(({ msg }) => msg === 'report', 100),
    /within 100 ms[^]*not JSON/,
  );
  job.kill('SIGTERM');
  const { code, signal } = await job.finished;
  assert.deepEqual({ code, signal }, { code: null, signal: 'SIGTERM' });
  await assert.rejects(
    job.waitForLine(({ msg }) => msg === 'report'),
    /ended without/,
  );
});

test('a job that outlives its bound is killed, and its log is in the error', async () => {
  await using job = await script();
  const endless = runJob({ WAIT_MS: '60000' }, { script: job.file, timeoutMs: 1000 });
  await assert.rejects(endless, /more than 1000 ms[^]*not JSON/);
});
