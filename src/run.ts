import type { Config } from './config/config.ts';
import { judgeDisarm } from './plan/disarm.ts';
import { judge } from './plan/plan.ts';
import { logPlan, recordDryRun, recordPlan } from './run/plan-log.ts';
import { stepRecorder } from './run/recorder.ts';
import { type Report, reportOf } from './run/report.ts';
import { gates, rereadMembers, withAlarmsOfNow } from './run/reread.ts';
import type { RunContext, RunState } from './run/state.ts';
import { readStatistics } from './run/statistics.ts';
import { backUp } from './steps/backup.ts';
import { compact } from './steps/compact.ts';
import { defragment } from './steps/defragment.ts';
import { disarm } from './steps/disarm.ts';
import { inspectCluster } from './steps/inspect.ts';
import { lockCluster } from './steps/lock.ts';
import { prune } from './steps/prune.ts';
import { openStore } from './storage/open.ts';

/** Fills the run's state. Never throws: whatever happened is in the report. */
export async function run(config: Config, state: RunState, context: RunContext): Promise<Report> {
  state.dryRun = config.dryRun;
  state.warnings.push(...config.warnings);
  try {
    await takeSteps(config, state, context);
  } catch (error) {
    state.ended = error;
  }
  return reportOf(state, state.clock());
}

/** The whole run, top to bottom. A step that throws ends it there, but for the lock's release. */
async function takeSteps(config: Config, state: RunState, context: RunContext): Promise<void> {
  const { log } = context;
  const { record, decided, attempted } = stepRecorder(state, log);

  const inspected = await record('inspect', () =>
    inspectCluster({
      ...context,
      config,
      onCluster: (id) => {
        state.cluster = { name: config.clusterName ?? id, id };
      },
    }),
  );
  using client = inspected.client;
  const { cluster } = inspected;

  const plan = judge(cluster, config);
  recordPlan(state, cluster, plan, config);
  logPlan(log, state, cluster, plan);
  if (config.dryRun) return recordDryRun(state, plan);

  const clusterName = config.clusterName ?? client.id;
  const warn = (warning: string) => void state.warnings.push(warning);
  const given = { ...context, config, client, cluster, clusterName, plan, warn };
  const { lock } = await record('lock', () => lockCluster(given));
  try {
    const store = await openStore(config.backup.store, clusterName, context.signal);
    const { guarantee } = await record('backup', () => backUp({ ...given, store, version: state.version }));
    const backupMs = state.steps.backup?.durationMs ?? 0;
    await attempted('prune', plan.steps.prune, () => prune(guarantee, { ...given, store, backupMs }));
    await readStatistics(state, { ...given, store });

    const gateOf = gates(given, config, lock);
    await decided('compact', plan.steps.compact, () =>
      compact(guarantee, { ...given, gate: gateOf('compact') }),
    );
    await decided('defragment', plan.steps.defragment, () =>
      defragment(guarantee, {
        ...given,
        gate: gateOf('defragment'),
        lock,
        onMember: (id, outcome) => void state.members.set(id, outcome),
      }),
    );
    // Judged again: the database may have filled up while the run went on.
    const now = await withAlarmsOfNow(state, given);
    await decided('disarm', judgeDisarm(now, config, plan.problems), () =>
      disarm({ ...given, gate: gateOf('disarm'), lock }),
    );
  } finally {
    await rereadMembers(state, given);
    await lock.release();
  }
}
