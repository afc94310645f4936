import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { plainEnv, runProgram, SHORT_LIVED } from '../support/run-program.ts';
import { type HelmVersion, helm } from '../support/tools.ts';
import { REPOSITORY } from '../support/repository.ts';

export const CHART = join(REPOSITORY, 'chart');
export const HELM_VERSIONS: readonly HelmVersion[] = ['4.3', '3.22'];

/** For an install that is about something else: half of helm's work is to read what the cluster knows of every kind. */
export const UNCHECKED = '--disable-openapi-validation';

export interface RenderOptions {
  helm?: HelmVersion;
  release?: string;
  namespace?: string;
  /** A values file; its name without the folder is enough for one of the chart's own. */
  file?: string;
  /** Values that win over the file's. */
  values?: object;
  /** As a person types them after `--set`: helm decides on the type. They win over the others. */
  set?: string[];
  /** API versions that the cluster has beside the usual ones. */
  apiVersions?: string[];
  /** What would come of values that the schema refuses. */
  withoutSchema?: boolean;
  /** The folder of another chart, which this one is a part of. */
  chart?: string;
}

/** The parts of the rendered objects that tests look at. */
export interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string; labels: Record<string, string>; annotations?: object };
  spec: object;
}

export interface CronJob extends Manifest {
  spec: {
    schedule: string;
    timeZone?: string;
    suspend: boolean;
    concurrencyPolicy: string;
    jobTemplate: { spec: JobSpec };
  };
}

export interface Job extends Manifest {
  spec: JobSpec;
}

export interface JobSpec {
  backoffLimit: number;
  activeDeadlineSeconds: number;
  podFailurePolicy: { rules: object[] };
  template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
}

export interface PodSpec {
  containers: [Container];
  initContainers?: Container[];
  volumes?: { name: string }[];
  nodeSelector?: Record<string, string>;
  [field: string]: unknown;
}

export interface Container {
  name: string;
  image: string;
  env: { name: string; value?: string; valueFrom?: object }[];
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  command?: string[];
  args?: string[];
  [field: string]: unknown;
}

/** The values files that come with the chart, one for each shape that is supported. */
export async function valuesFiles(): Promise<string[]> {
  const folders = ['ci', 'presets'];
  const files = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(join(CHART, folder))).toSorted().map((name) => join(CHART, folder, name)),
    ),
  );
  return files.flat();
}

export const nameOf = (file: string): string => basename(file, '.yaml');

/** helm with values on its stdin. Throws with what helm says where it refuses them. */
export async function runHelm(
  command: string[],
  { helm: version = '4.3', file, values = {}, set = [], withoutSchema = false }: RenderOptions = {},
) {
  const files = file === undefined ? [] : ['--values', file];
  const skip = withoutSchema ? ['--skip-schema-validation'] : [];
  const args = [...command, ...skip, ...files, '--values', '-', ...set.map((value) => `--set=${value}`)];
  return runProgram(await helm(version), args, { input: JSON.stringify(values), env: plainEnv(SHORT_LIVED) });
}

/** What `helm install` would send to the cluster, as text. */
export function renderText(options: RenderOptions = {}): Promise<string> {
  const { release = 'etcd-upkeep', namespace = 'kube-system', chart = CHART, apiVersions = [] } = options;
  const has = apiVersions.map((version) => `--api-versions=${version}`);
  return runHelm(['template', release, chart, '--namespace', namespace, ...has], options);
}

export async function render(options: RenderOptions = {}): Promise<Manifest[]> {
  return parseManifests(await renderText(options));
}

export function parseManifests(text: string): Manifest[] {
  // Helm and Kubernetes read YAML 1.1, where 0444 is octal and yes is true.
  return parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS());
}

/** What the pods of a CronJob are for, beside runs. */
export type Component = 'drill' | 'browse';

/** The CronJob that runs the job, or of another component. */
export async function renderCronJob(options: RenderOptions = {}, component?: Component): Promise<CronJob> {
  return cronJobIn(await render(options), component);
}

/** The pods of run and drill, for values that have one. */
export async function renderPods(options: RenderOptions): Promise<{ run: PodSpec; drill: PodSpec }> {
  return podsIn(await render(options));
}

export function podsIn(manifests: Manifest[]): { run: PodSpec; drill: PodSpec } {
  const [run, drill] = [cronJobIn(manifests), cronJobIn(manifests, 'drill')];
  return { run: run.spec.jobTemplate.spec.template.spec, drill: drill.spec.jobTemplate.spec.template.spec };
}

export function cronJobIn(manifests: Manifest[], component?: Component): CronJob {
  const found = manifests
    .filter(isCronJob)
    .find(({ metadata }) => metadata.labels['app.kubernetes.io/component'] === component);
  if (found === undefined) throw new Error(`the chart rendered no CronJob of ${component ?? 'the job'}`);
  return found;
}

export function isCronJob(manifest: Manifest): manifest is CronJob {
  return manifest.kind === 'CronJob';
}

export function isJob(manifest: Manifest): manifest is Job {
  return manifest.kind === 'Job';
}

/** As Kubernetes starts them. */
export const containersOf = ({ initContainers = [], containers }: PodSpec): Container[] => [
  ...initContainers,
  ...containers,
];

export async function renderPod(options: RenderOptions = {}): Promise<PodSpec> {
  return (await renderCronJob(options)).spec.jobTemplate.spec.template.spec;
}

/** The variables that a run gets as plain text. */
export async function renderEnv(options: RenderOptions = {}): Promise<Record<string, string>> {
  return envIn(await render(options));
}

export function envIn(manifests: Manifest[]): Record<string, string> {
  const [{ env }] = cronJobIn(manifests).spec.jobTemplate.spec.template.spec.containers;
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}
