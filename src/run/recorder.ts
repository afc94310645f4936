import { Failure, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Decision } from '../plan/plan.ts';
import type { RunState, StepName, StepReport } from './report.ts';

/** How a step ended when nothing was thrown. */
export interface StepEnd {
  status: 'done' | 'skipped';
  reason: string;
}

export interface Recorder {
  /** Does the step and notes how it ended. What it throws is noted and thrown on. */
  readonly record: <T extends StepEnd>(name: StepName, work: () => Promise<T>) => Promise<T>;
  /** Does the step if the plan says so, and notes the plan's reason if not. */
  readonly decided: (name: StepName, decision: Decision, work: () => Promise<StepEnd>) => Promise<void>;
}

/** Notes in the night how each step ended, and logs it. */
export function recorder(night: RunState, log: Log): Recorder {
  function note(name: StepName, end: StepReport): void {
    night.steps[name] = end;
    const level = end.status === 'done' || end.status === 'skipped' ? 'info' : 'error';
    log[level]({ step: name, ...end }, `step ${end.status}`);
  }

  async function record<T extends StepEnd>(name: StepName, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const durationMs = (): number => Math.round(performance.now() - began);
    try {
      const end = await work();
      note(name, { status: end.status, reason: end.reason, durationMs: durationMs() });
      return end;
    } catch (error) {
      note(name, { status: statusOf(error), reason: messageOf(error), durationMs: durationMs() });
      throw error;
    }
  }

  async function decided(name: StepName, decision: Decision, work: () => Promise<StepEnd>): Promise<void> {
    if (decision.do) await record(name, work);
    else note(name, { status: decision.status, reason: decision.reason, durationMs: 0 });
  }

  return { record, decided };
}

function statusOf(error: unknown): 'refused' | 'failed' {
  return error instanceof Failure && (error.kind === 'refused' || error.kind === 'locked')
    ? 'refused'
    : 'failed';
}
