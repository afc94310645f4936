import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { plainEnv, runProgram, SHORT_LIVED } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { type HelmVersion, helm } from '../support/tools.ts';
import { CHART } from './chart.ts';

/** A path of values, say `/etcd/endpoints/0`, and what helm says of it. */
export interface Problem {
  readonly at: string;
  readonly said: string;
}

/**
 * What helm's own reader of schemas has to say of each of these values over the defaults; nothing where it takes them. One
 * call of helm answers for all, so tables may be long: they are the items of a list in a chart that has nothing else.
 */
export async function problemsOf(version: HelmVersion, cases: readonly object[]): Promise<Problem[][]> {
  await using folder = await scratchFolder('schema');
  const { definitions, ...values } = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8'));
  const defaults: object = parse(await readFile(join(CHART, 'values.yaml'), 'utf8'));
  const schema = {
    $schema: values.$schema,
    definitions: { ...definitions, values },
    properties: { cases: { items: { $ref: '#/definitions/values' } } },
  };
  await writeFile(join(folder.path, 'Chart.yaml'), 'apiVersion: v2\nname: cases\nversion: 0.1.0\n');
  await writeFile(join(folder.path, 'values.schema.json'), JSON.stringify(schema));

  const args = ['template', 'cases', folder.path, '--values', '-'];
  const said = await runProgram(await helm(version), args, {
    input: JSON.stringify({ cases: cases.map((one) => over(defaults, one)) }),
    env: plainEnv(SHORT_LIVED),
  }).then(
    () => '',
    ({ message }: Error) => message,
  );
  const problems = problemsIn(said);
  if (said !== '' && problems.length === 0) throw new Error(said);
  return cases.map((_, index) =>
    problems.flatMap(({ at, said: text }) => {
      const [, , number, ...rest] = at.split('/');
      return Number(number) === index ? [{ at: `/${rest.join('/')}`, said: text }] : [];
    }),
  );
}

const isMap = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As helm does it: maps key by key, and a null takes its key away. */
export function over(defaults: object, values: object): object {
  const merged = new Map<string, unknown>(Object.entries(defaults));
  for (const [key, value] of Object.entries(values)) {
    const before = merged.get(key);
    if (value === null) merged.delete(key);
    else merged.set(key, isMap(before) && isMap(value) ? over(before, value) : value);
  }
  return Object.fromEntries(merged);
}

/** Those that helm tells of, without the lines that only say that there are some below them. */
export function problemsIn(message: string): Problem[] {
  return [...message.matchAll(/^ *- at '(.*?)': (.*)$/gm)]
    .map(([, at = '', said = '']) => ({ at, said }))
    .filter(({ said }) => !/^'?(allOf|anyOf|if|then|else)'? failed$|^validation failed$/.test(said));
}
