import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  CHART,
  HELM_VERSIONS,
  type Manifest,
  nameOf,
  parseManifests,
  render,
  type RenderOptions,
  runHelm,
  valuesFiles,
} from './chart.ts';
import { renderEach } from './many.ts';
import {
  DEFAULT_VALUES,
  KNOWN_PATHS,
  mapScalars,
  nullsAt,
  presetFiles,
  readValues,
  setArguments,
  valueAt,
  withNull,
} from './values.ts';
import { CHART_NAME, wrapperChart } from './wrapper.ts';

/**
 * The same values come as a file, one by one, or from another chart, and as what each tool makes of them: they have to
 * make the same objects.
 */

const objects = async (options: RenderOptions): Promise<Manifest[]> => sorted(await render(options));

/** In an order of its own: helm's differs between its versions and with charts in charts. */
function sorted(manifests: Manifest[]): Manifest[] {
  return manifests.toSorted((a, b) => (identity(a) < identity(b) ? -1 : 1));
}

const identity = ({ kind, metadata }: Manifest): string => `${kind}/${metadata.namespace}/${metadata.name}`;

describe('a preset', { concurrency: 2 }, async () => {
  for (const file of await presetFiles()) {
    const values = await readValues(file);
    const expected = objects({ file });

    for (const helm of HELM_VERSIONS) {
      test(`${nameOf(file)} as a file with helm ${helm}`, async () => {
        assert.deepEqual(await objects({ helm, file }), await expected);
      });

      test(`${nameOf(file)} in the values.yaml of another chart with helm ${helm}`, async () => {
        await using wrapper = await wrapperChart({ [CHART_NAME]: values });
        assert.deepEqual(await objects({ helm, chart: wrapper.path }), await expected);
      });

      test(`${nameOf(file)} as values that are given to another chart with helm ${helm}`, async () => {
        await using wrapper = await wrapperChart({ [CHART_NAME]: {} });
        const given = { [CHART_NAME]: values };
        assert.deepEqual(await objects({ helm, chart: wrapper.path, values: given }), await expected);
      });

      test(`${nameOf(file)} one by one with helm ${helm}`, async () => {
        const command = [
          'template',
          'etcd-upkeep',
          CHART,
          '--namespace=kube-system',
          ...setArguments(values),
        ];
        assert.deepEqual(sorted(parseManifests(await runHelm(command, { helm }))), await expected);
      });
    }
  }
});

/**
 * Helm calls a chart by its alias. So an alias is what nameOverride is, and two of them in one release make names and
 * selectors of their own; besides there is only the label that tells the chart.
 */
async function underAlias(alias: string, file: string): Promise<Manifest[]> {
  const renamed = await objects({ file, values: { nameOverride: alias } });
  return JSON.parse(
    JSON.stringify(renamed).replaceAll(`"helm.sh/chart":"${CHART_NAME}-`, `"helm.sh/chart":"${alias}-`),
  );
}

test('all presets under aliases in one chart, with both helms', async () => {
  const files = await presetFiles();
  const parts = await Promise.all(
    files.map(async (file) => [`the-${nameOf(file)}`, await readValues(file)] as const),
  );
  const expected = await Promise.all(files.map((file) => underAlias(`the-${nameOf(file)}`, file)));
  await using wrapper = await wrapperChart(Object.fromEntries(parts));
  for (const helm of HELM_VERSIONS) {
    assert.deepEqual(await objects({ helm, chart: wrapper.path }), sorted(expected.flat()));
  }
});

for (const helm of HELM_VERSIONS) {
  test(`two of them in one chart, for two etcds, keep apart with helm ${helm}`, async () => {
    const each = { drill: { enabled: true }, backup: { persistence: { enabled: true } } };
    await using wrapper = await wrapperChart({ main: each, events: each });
    const found = await objects({ helm, chart: wrapper.path });
    assert.equal(new Set(found.map(identity)).size, found.length, found.map(identity).join(', '));
    const selected = found.map(({ metadata }) => metadata.labels['app.kubernetes.io/name']);
    assert.deepEqual(new Set(selected), new Set(['events', 'main']));
  });

  describe(`null in another chart's values with helm ${helm}`, { concurrency: 2 }, async () => {
    const bases = ['drill', 'monitoring'].map((name) => join(CHART, `ci/${name}-values.yaml`));
    for (const file of [undefined, ...bases]) {
      const base = file === undefined ? {} : await readValues(file);
      const expected = objects({ helm, values: base });
      const name = file === undefined ? 'the defaults' : nameOf(file);

      for (const depth of [1, 2, 3, 4]) {
        const values = { [CHART_NAME]: nullsAt(depth, base) };

        test(`${name}: every key of level ${depth}, in its values.yaml`, async () => {
          await using wrapper = await wrapperChart(values);
          assert.deepEqual(await objects({ helm, chart: wrapper.path }), await expected);
        });

        test(`${name}: every key of level ${depth}, given to it`, async () => {
          await using wrapper = await wrapperChart({ [CHART_NAME]: base });
          assert.deepEqual(await objects({ helm, chart: wrapper.path, values }), await expected);
        });
      }
    }

    // Of those that a template reads as a map or a list.
    const single =
      'podLabels nodeSelector tolerations etcd.endpoints backup.persistence.annotations drill.ageIdentity';
    for (const path of single.split(' ')) {
      test(`${path} alone`, async () => {
        await using wrapper = await wrapperChart({
          [CHART_NAME]: withNull({}, path.split('.')),
        });
        assert.deepEqual(await objects({ helm, chart: wrapper.path }), await objects({ helm }));
      });
    }
  });
}

const asText = (type: 'number' | 'boolean') => (scalar: unknown) =>
  typeof scalar === type ? String(scalar) : scalar;

describe('numbers may all come as text', async () => {
  const files = await valuesFiles();
  let expected: Manifest[][];
  let made: Manifest[][][];
  before(async () => {
    // Of the user's own part of a pod the chart knows nothing.
    const own = { extraPodSpec: {} };
    const rows = await Promise.all(files.map(async (file) => ({ ...(await readValues(file)), ...own })));
    const asTexts = rows.map((values) => mapScalars(values, asText('number')));
    expected = await renderEach(rows);
    made = await Promise.all(HELM_VERSIONS.map((helm) => renderEach(asTexts, { helm })));
  });

  for (const [index, file] of files.entries()) {
    test(nameOf(file), () => {
      for (const manifests of made) {
        assert.deepEqual(sorted(manifests[index] ?? []), sorted(expected[index] ?? assert.fail()));
      }
    });
  }
});

describe('what tools make of values', { concurrency: 2 }, () => {
  test('every number of the defaults may come as text', async () => {
    const values = mapScalars(DEFAULT_VALUES, asText('number'));
    for (const helm of HELM_VERSIONS) assert.deepEqual(await objects({ helm, values }), await objects({}));
  });

  test('a boolean that comes as text is refused by its name: "false" would mean yes', async () => {
    const booleans = KNOWN_PATHS.filter((path) => typeof valueAt(DEFAULT_VALUES, path) === 'boolean');
    assert.ok(booleans.length > 20, `${booleans.length}`);
    const values = mapScalars(DEFAULT_VALUES, asText('boolean'));
    for (const helm of HELM_VERSIONS) {
      const { message } = await runHelm(['template', CHART], { helm, values }).then(
        () => new Error('nothing is refused'),
        (error: Error) => error,
      );
      for (const path of booleans) {
        assert.match(message, new RegExp(`'/${path.join('/')}': got string, want (null or )?boolean`));
      }
    }
  });
});
