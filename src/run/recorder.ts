import { isFailure, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Decision } from '../plan/decision.ts';
import type { StepEnd, StepName, StepStatus } from '../plan/steps.ts';
import type { RunState, StepReport } from './state.ts';

/** How a step ended, and what the report is to say of it beside that. */
type Recorded = StepEnd & { facts?: Partial<RunState> };

export interface StepRecorder {
  /** Does the step and records how it ended. What it throws is recorded and thrown on. */
  readonly record: <T extends Recorded>(name: StepName, work: () => Promise<T>) => Promise<T>;
  /** Does the step if the decision says so, and records the decision's reason if not. */
  readonly decided: (name: StepName, decision: Decision, work: () => Promise<Recorded>) => Promise<void>;
  /** The same for a step whose failure ends nothing: it is in the report and in the exit code. */
  readonly attempted: (name: StepName, decision: Decision, work: () => Promise<Recorded>) => Promise<void>;
}

/** Records in the run's state how each step ended, and logs it. */
export function stepRecorder(state: RunState, log: Log): StepRecorder {
  function note(name: StepName, end: StepReport): void {
    state.steps[name] = end;
    const level = end.status === 'done' || end.status === 'skipped' ? 'info' : 'error';
    log[level]({ step: name, ...end }, `step ${end.status}`);
  }

  async function record<T extends Recorded>(name: StepName, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const durationMs = (): number => Math.round(performance.now() - began);
    try {
      const end = await work();
      Object.assign(state, end.facts);
      note(name, { status: end.status, reason: end.reason, durationMs: durationMs() });
      return end;
    } catch (error) {
      note(name, { status: statusAfter(error), reason: messageOf(error), durationMs: durationMs() });
      throw error;
    }
  }

  const decided: StepRecorder['decided'] = async (name, decision, work) => {
    if (decision.do) await record(name, work);
    else note(name, { status: decision.status, reason: decision.reason, durationMs: 0 });
  };

  const attempted: StepRecorder['attempted'] = async (name, decision, work) => {
    try {
      await decided(name, decision, work);
    } catch (error) {
      if (!isFailure(error, 'step')) throw error;
    }
  };

  return { record, decided, attempted };
}

function statusAfter(error: unknown): StepStatus {
  const refused = isFailure(error, 'refused') || isFailure(error, 'locked');
  return refused ? 'refused' : 'failed';
}
