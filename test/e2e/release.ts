import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../../src/run/report.ts';
import type { Node } from '../support/kubernetes/node.ts';
import { runProgram } from '../support/run-program.ts';
import { type HelmVersion, helm } from '../support/tools.ts';
import { REPOSITORY } from '../support/repository.ts';
import { IMAGE } from './images.ts';

/** What a person does with helm and kubectl, and what they see. */

export const CHART = join(REPOSITORY, 'chart');
export const RELEASE = 'etcd-upkeep';
export const NAMESPACE = 'kube-system';

const [repository = '', tag = ''] = IMAGE.split(':');
/** There is no registry: the image is on the node already. */
const LOCAL_IMAGE = { image: { repository, tag } };
const JOB_TIMEOUT_MS = 180_000;
const POLL_MS = 250;

/** How a cluster is reached. */
export type Reach = Pick<Node, 'env' | 'kubectl'>;

export interface ReleaseOptions {
  namespace?: string;
  values?: object;
  /** A values file, applied before `values`. */
  file?: string;
  helm?: HelmVersion;
  /** More arguments, say `--wait`. */
  args?: string[];
}

/** `helm install` (or `upgrade`) of the chart; what helm prints. */
export function install(node: Reach, options: ReleaseOptions = {}): Promise<string> {
  return apply('install', node, options);
}

export function upgrade(node: Reach, options: ReleaseOptions = {}): Promise<string> {
  return apply('upgrade', node, options);
}

async function apply(command: string, node: Reach, options: ReleaseOptions): Promise<string> {
  const { namespace = NAMESPACE, values = {}, file, helm: version, args: more = [] } = options;
  const files = file === undefined ? [] : [`--values=${file}`];
  const args = [command, RELEASE, CHART, `--namespace=${namespace}`, ...files, '--values=-', ...more];
  const input = JSON.stringify({ ...LOCAL_IMAGE, ...values });
  return runProgram(await helm(version), args, { env: node.env, input, timeoutMs: JOB_TIMEOUT_MS });
}

/** Any other helm command on the release. */
export async function helmOn(node: Reach, ...args: string[]): Promise<string> {
  return runProgram(await helm(), [...args, `--namespace=${NAMESPACE}`], { env: node.env });
}

/** Runs the job by hand, or that of another CronJob. */
export async function createJob(
  node: Reach,
  name: string,
  namespace = NAMESPACE,
  cronJob = RELEASE,
): Promise<void> {
  const args = ['create', 'job', `--from=cronjob/${cronJob}`, name];
  await node.kubectl(`--namespace=${namespace}`, ...args);
}

/** How one pod of a Job went. */
export interface PodSeen {
  name: string;
  phase: string;
  exitCode: number | undefined;
  /** The termination message. */
  message: string;
  /** All that ended in it, by name; the two above are those of the one that is no init container. */
  containers: Record<string, ContainerEnd>;
}

interface ContainerEnd {
  exitCode: number;
  message?: string;
}

/** How a Job ended. */
export interface JobSeen {
  /** `Complete` or `Failed`, as the Job's condition says it. */
  type: string;
  /** Of a failure, say `PodFailurePolicy`. */
  reason: string;
  message: string;
  /** Oldest first. */
  pods: PodSeen[];
}

/** Waits until the Job has ended. Throws with what `kubectl describe` shows of its pods when that takes too long. */
export async function jobEnd(node: Reach, name: string, namespace = NAMESPACE): Promise<JobSeen> {
  const deadline = Date.now() + JOB_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const job: { status: { conditions?: JobCondition[] } } = await get(node, namespace, `job/${name}`);
    const condition = job.status.conditions?.find(
      ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
    );
    if (condition !== undefined) {
      const { type, reason = '', message = '' } = condition;
      return { type, reason, message, pods: await podsOf(node, name, namespace) };
    }
    await sleep(POLL_MS);
  }
  const described = await describePods(node, name, namespace);
  throw new Error(`the Job ${name} did not end within ${JOB_TIMEOUT_MS} ms\n${described}`);
}

interface JobCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

export async function podsOf(node: Reach, job: string, namespace = NAMESPACE): Promise<PodSeen[]> {
  const { items }: { items: PodAnswer[] } = await get(
    node,
    namespace,
    'pods',
    `--selector=batch.kubernetes.io/job-name=${job}`,
    '--sort-by=.metadata.creationTimestamp',
  );
  return items.map(({ metadata, status }) => {
    const terminated = status.containerStatuses?.[0]?.state.terminated;
    const { exitCode, message = '' } = terminated ?? {};
    const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    const containers = Object.fromEntries(
      all.flatMap(({ name, state }) => (state.terminated ? [[name, state.terminated]] : [])),
    );
    return { name: metadata.name, phase: status.phase, exitCode, message, containers };
  });
}

interface PodAnswer {
  metadata: { name: string };
  status: {
    phase: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

interface ContainerStatus {
  name: string;
  state: { terminated?: ContainerEnd };
}

/** What `kubectl describe` shows a person of the Job's pods. */
export function describePods(node: Reach, job: string, namespace = NAMESPACE): Promise<string> {
  const selector = `--selector=batch.kubernetes.io/job-name=${job}`;
  return node.kubectl(`--namespace=${namespace}`, 'describe', 'pods', selector);
}

/** Waits until `kubectl describe` of the Job's pods says it. Throws with all it says when it does not. */
export async function describedAs(
  node: Reach,
  job: string,
  said: RegExp,
  namespace = NAMESPACE,
): Promise<string> {
  const deadline = Date.now() + JOB_TIMEOUT_MS;
  for (;;) {
    const text = await describePods(node, job, namespace).catch(() => ''); // there is no pod yet
    if (said.test(text)) return text;
    if (Date.now() > deadline) throw new Error(`kubectl describe never said ${said}:\n${text}`);
    await sleep(POLL_MS);
  }
}

export interface JobLog {
  text: string;
  report: Report;
  /** When the report was written, in milliseconds. */
  reportedAt: number;
}

/** The log of a pod. Throws where it does not end with a report. */
export async function logOf(node: Reach, pod: string, namespace = NAMESPACE): Promise<JobLog> {
  const text = await node.kubectl(`--namespace=${namespace}`, 'logs', pod);
  return readLog(text);
}

export function readLog(text: string): JobLog {
  const line: Report & { msg: string; time: string } = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '{}');
  if (line.msg !== 'report') throw new Error(`the log does not end with a report:\n${text}`);
  return { text, report: line, reportedAt: Date.parse(line.time) };
}

/** Waits for the first Job that the CronJob's own schedule makes; its name. */
export async function scheduledJob(node: Reach, known: string[] = []): Promise<string> {
  const deadline = Date.now() + JOB_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const { items }: { items: { metadata: { name: string; annotations?: object } }[] } = await get(
      node,
      NAMESPACE,
      'jobs',
    );
    const scheduled = items
      .filter(
        ({ metadata }) => 'batch.kubernetes.io/cronjob-scheduled-timestamp' in (metadata.annotations ?? {}),
      )
      .map(({ metadata }) => metadata.name)
      .find((name) => !known.includes(name));
    if (scheduled !== undefined) return scheduled;
    await sleep(POLL_MS);
  }
  throw new Error(`the schedule made no Job within ${JOB_TIMEOUT_MS} ms`);
}

/** No more runs by the schedule. */
export async function suspend(node: Reach): Promise<void> {
  const patch = '--patch={"spec":{"suspend":true}}';
  await node.kubectl(`--namespace=${NAMESPACE}`, 'patch', `cronjob/${RELEASE}`, patch);
}

async function get<T>(node: Reach, namespace: string, ...what: string[]): Promise<T> {
  return JSON.parse(await node.kubectl(`--namespace=${namespace}`, 'get', ...what, '--output=json'));
}
