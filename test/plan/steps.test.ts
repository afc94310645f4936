import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Decision } from '../../src/plan/decision.ts';
import type * as Plan from '../../src/plan/plan.ts';
import type * as PlanLog from '../../src/run/plan-log.ts';
import type * as ReportFile from '../../src/run/report.ts';
import type * as StateFile from '../../src/run/state.ts';
import type * as Termination from '../../src/run/termination.ts';
import type * as StatusReport from '../../src/commands/status-report.ts';
import type * as Metrics from '../../src/sinks/metrics.ts';
import { policyOf, threeMembers } from '../support/cluster-status.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { REPOSITORY } from '../support/repository.ts';

const LAST_ROW = "  { name: 'disarm', changesCluster: true, judge: judgeDisarm },\n";
const NEW_ROW =
  "  { name: 'scrub', changesCluster: true, judge: () => ({ do: true, reason: 'the disk is dirty' }) },\n";

describe('a step that is added to the table, and nowhere else', () => {
  let scratch: Scratch;
  let code: Awaited<ReturnType<typeof load>>;

  before(async () => {
    // Within the repository, so that the copy finds its packages.
    await mkdir(join(REPOSITORY, '.cache'), { recursive: true });
    scratch = await scratchFolder('steps', join(REPOSITORY, '.cache'));
    const source = join(scratch.path, 'src');
    await cp(join(REPOSITORY, 'src'), source, { recursive: true });
    const table = join(source, 'plan/steps.ts');
    const text = await readFile(table, 'utf8');
    assert.ok(text.includes(LAST_ROW), 'the last row of the table is another one');
    await writeFile(table, text.replace(LAST_ROW, LAST_ROW + NEW_ROW));
    code = await load(source);
  });
  after(() => scratch[Symbol.asyncDispose]());

  const planned = () => code.plan.judge(threeMembers(), policyOf());
  const state = () => code.state.newRunState('1.2.3', new Date(0));
  const reportOf = (changes: object) =>
    JSON.parse(JSON.stringify(code.report.reportOf({ ...state(), ...changes }, new Date(1))));

  const endOf = (status: string) => {
    const { outcome, exitCode } = reportOf({ steps: { scrub: { status, reason: '', durationMs: 5 } } });
    return [outcome, exitCode];
  };

  test('is in the plan', () => {
    const steps: Record<string, Decision> = planned().steps;
    assert.deepEqual(steps.scrub, { do: true, reason: 'the disk is dirty' });
  });

  test("is in the plan's log line, with its reason", () => {
    const lines: Record<string, unknown>[] = [];
    const note = (line: Record<string, unknown>) => void lines.push(line);
    const log = { trace: note, debug: note, info: note, warn: note, error: note, fatal: note };
    code.planLog.logPlan(log, state(), threeMembers(), planned());
    assert.equal(lines.at(-1)?.scrub, 'the disk is dirty');
  });

  test('is in what `status` says, which is not well where the step would be refused', () => {
    const report = code.status.statusReportOf(threeMembers(), planned(), policyOf());
    const steps: Record<string, object> = report.steps;
    assert.deepEqual(steps.scrub, { would: 'do', reason: 'the disk is dirty' });
    assert.equal(code.status.isWell(report), true);
    steps.scrub = { would: 'refuse', reason: '' };
    assert.equal(code.status.isWell(report), false);
  });

  test('is in the report of a dry run', () => {
    const dry = state();
    code.planLog.recordDryRun(dry, planned());
    const { scrub } = reportOf({ ...dry, dryRun: true }).steps;
    assert.equal(scrub.reason, 'dry run; would be done: the disk is dirty');
  });

  test('is in the report and the termination message of a run that did not get there', () => {
    const report = reportOf({ ended: new Error('it broke') });
    assert.deepEqual(Object.keys(report.steps).at(-1), 'scrub');
    assert.equal(report.steps.scrub.reason, 'not reached: the run ended before it');
    assert.equal(JSON.parse(code.termination.terminationMessage(report)).steps.scrub, 'skipped');
  });

  test('counts for the outcome and the exit code', () => {
    assert.deepEqual(endOf('done'), ['ok', 0]);
    assert.deepEqual(endOf('skipped'), ['nothing-needed', 0]);
    assert.deepEqual(endOf('failed'), ['partial', 5]);
  });

  test('is in the metrics', async () => {
    const report = reportOf({ steps: { scrub: { status: 'done', reason: '', durationMs: 5000 } } });
    const text = await code.metrics.metricsOf(report, 'prod', new Date()).metrics();
    assert.match(text, /etcd_upkeep_step_duration_seconds\{step="scrub",cluster="prod"\} 5\n/);
    assert.match(text, /etcd_upkeep_step_status\{step="scrub",status="done",cluster="prod"\} 1\n/);
  });
});

/** What speaks of steps, from a copy of the sources, with the types of the original. */
async function load(source: string) {
  const file = (path: string): string => pathToFileURL(join(source, path)).href;
  const plan: typeof Plan = await import(file('plan/plan.ts'));
  const planLog: typeof PlanLog = await import(file('run/plan-log.ts'));
  const report: typeof ReportFile = await import(file('run/report.ts'));
  const state: typeof StateFile = await import(file('run/state.ts'));
  const termination: typeof Termination = await import(file('run/termination.ts'));
  const status: typeof StatusReport = await import(file('commands/status-report.ts'));
  const metrics: typeof Metrics = await import(file('sinks/metrics.ts'));
  return { plan, planLog, report, state, termination, status, metrics };
}
