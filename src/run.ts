import { openStore } from './storage/open.ts';
import type { Config } from './config/config.ts';
import { type Cluster, discover } from './etcd/cluster/discover.ts';
import { inspect } from './etcd/cluster/inspect.ts';
import { recorder } from './run/recorder.ts';
import { judge, judgeDisarm, quotasOf } from './plan/plan.ts';
import { type RunState, type Report, reportOf } from './run/report.ts';
import { lookAround } from './run/statistics.ts';
import { noteDryRun, tell } from './run/plan-log.ts';
import {
  backUpFirst,
  compactHistory,
  type Context,
  defragmentMembers,
  disarmAlarm,
  lockCluster,
  lookAgain,
  prune,
  withAlarmsNow,
  type Work,
} from './work.ts';

/** Fills the night. Never throws: whatever happened is in the report. */
export async function run(config: Config, night: RunState, context: Context): Promise<Report> {
  night.dryRun = config.dryRun;
  night.warnings.push(...config.warnings);
  const opened: Cluster[] = [];
  try {
    await spendNight(config, context, night, opened);
  } catch (error) {
    night.ended = error;
  } finally {
    for (const cluster of opened) cluster.close();
  }
  return reportOf(night, new Date());
}

async function spendNight(
  config: Config,
  context: Context,
  night: RunState,
  opened: Cluster[],
): Promise<void> {
  const { log, signal } = context;
  const steps = recorder(night, log);

  const { cluster, view } = await steps.record('inspect', async () => {
    const found = await discover(config.etcd, signal);
    opened.push(found);
    night.cluster = { name: config.clusterName ?? found.id, id: found.id };
    const seen = await inspect(found, config.consistencyCheck);
    const reason = `${seen.members.length === 1 ? 'one member' : `${seen.members.length} members`}, revision ${seen.revision}`;
    return { cluster: found, view: seen, status: 'done', reason };
  });
  const clusterName = config.clusterName ?? cluster.id;
  night.view = view;
  night.quotas = quotasOf(view, config);
  const plan = judge(view, config);
  const work: Work = { ...context, ...steps, config, night, cluster, clusterName, view, plan };
  tell(work);
  if (config.dryRun) return noteDryRun(work);

  const lock = await lockCluster(work);
  try {
    const store = await openStore(config.backup.store, clusterName);
    const guarantee = await backUpFirst(work, store);
    if (guarantee.kind === 'verified') await prune(work, store, guarantee);
    await lookAround(work, store);
    await steps.decided('compact', plan.compact, () => compactHistory(work, lock, guarantee));
    const now = { ...work, view: await withAlarmsNow(work) };
    await steps.decided('defragment', plan.defragment, () => defragmentMembers(now, lock, guarantee));
    await steps.decided('disarm', judgeDisarm(now.view, config, plan.problems), () => disarmAlarm(now, lock));
  } finally {
    await lookAgain(work);
    await lock.release();
  }
}
