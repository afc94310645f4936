import { defineConfig, type OxlintOverride } from 'oxlint';

/**
 * For each room of `src/` the rooms that it imports from: imports point one way, from the first of these to the last.
 * docs/architecture.md says what each room is for.
 */
const ROOMS: Record<string, string[]> = {
  main: ['cli', 'errors'],
  cli: ['commands', 'config', 'util', 'errors'],
  commands: [
    'run',
    'sinks',
    'history',
    'plan',
    'kubernetes',
    'etcd',
    'backup',
    'storage',
    'bolt',
    'config',
    'log',
    'util',
    'errors',
  ],
  run: ['steps', 'history', 'plan', 'etcd', 'backup', 'storage', 'bolt', 'config', 'log', 'util', 'errors'],
  kubernetes: ['util', 'errors'],
  sinks: ['run', 'plan', 'bolt', 'config', 'util', 'errors'],
  steps: ['plan', 'etcd', 'backup', 'storage', 'bolt', 'config', 'log', 'util', 'errors'],
  history: ['backup', 'storage', 'bolt', 'util', 'errors'],
  plan: ['etcd', 'config', 'util', 'errors'],
  etcd: ['config', 'log', 'util', 'errors'],
  backup: ['storage', 'bolt', 'config', 'log', 'util', 'errors'],
  storage: ['config', 'util', 'errors'],
  bolt: ['util', 'errors'],
  config: ['util', 'errors'],
  log: ['util'],
  util: [],
  errors: [],
};

/** What else a room must not import. */
const MORE: Record<string, { group: string[]; message: string }[]> = {
  plan: [
    {
      group: ['**/etcd/**', '!**/etcd/types.ts', '!**/etcd/versions.ts'],
      message: 'A plan is made of what was seen, and asks nobody.',
    },
  ],
  steps: [{ group: ['./*', './*/**'], message: 'Only run.ts puts steps together: no step knows another.' }],
};

/** Where the wall clock tells or writes a date. A wait that is measured by it never ends when the clock is set back. */
const DATES = [
  'src/config/tls.ts',
  'src/storage/file/store.ts',
  'src/storage/s3/{store,upload,multipart,retention}.ts',
  'src/run/statistics.ts',
  'src/commands/{list,drill,repository}.ts',
];

/** A step that has parts in a folder of its own: it knows them and they each other, and none of them another step. */
const STEPS_IN_PARTS = ['backup', 'defragment'];
const NO_OTHER_STEP = 'A step knows its own parts and no other step.';

const ETCD_LIBRARIES = ['etcd3', '@grpc/grpc-js', '@grpc/proto-loader', 'cockatiel'];

/** Other ways to what a process prints than those that are handed on as parameters. */
const STREAMS = ['process', 'node:process', 'console', 'node:console', 'tty', 'node:tty'];

/** The ways in which a file of `src/` can name one of that room. */
const importsOf = (room: string): string[] => [`**/${room}/**`, `../${room}.ts`, `../../${room}.ts`];

function directionsOf(room: string, allowed: readonly string[] = [], more = MORE[room] ?? []) {
  const forbidden = Object.keys(ROOMS).filter((other) => other !== room && !allowed.includes(other));
  return {
    paths: [
      ...ETCD_LIBRARIES.filter(() => room !== 'etcd').map((name) => ({
        name,
        message: 'Only src/etcd imports etcd3 and gRPC.',
      })),
      ...STREAMS.map((name) => ({ name, message: 'Only src/commands/output.ts and src/log.ts print.' })),
    ],
    patterns: [
      ...forbidden.map((other) => ({
        group: importsOf(other),
        message: `${room} does not import ${other}: oxlint.config.ts has the directions.`,
      })),
      ...more,
    ],
  };
}

const stepRules = (pattern: { group: string[]; message: string }): NonNullable<OxlintOverride['rules']> => ({
  'no-restricted-imports': ['error', directionsOf('steps', ROOMS.steps, [pattern])],
});

export default defineConfig({
  plugins: ['typescript', 'import', 'node', 'promise', 'unicorn', 'oxc'],
  categories: { correctness: 'error', suspicious: 'error' },
  env: { es2024: true, node: true },
  ignorePatterns: ['node_modules', '.cache', 'dist'],
  rules: {
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/consistent-type-imports': 'error',
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'no-console': 'error',
    'no-empty': 'error',
    'prefer-const': 'error',
    eqeqeq: 'error',
    'no-restricted-globals': [
      'error',
      {
        name: 'process',
        message: 'Only src/main.ts touches process; pass what is needed as a parameter.',
      },
    ],
    'no-await-in-loop': 'off',
    'no-underscore-dangle': 'off',
  },
  overrides: [
    ...Object.entries(ROOMS).map(
      ([room, allowed]): OxlintOverride => ({
        files: [`src/${room}.ts`, `src/${room}/**`],
        rules: { 'no-restricted-imports': ['error', directionsOf(room, allowed)] },
      }),
    ),
    ...STEPS_IN_PARTS.flatMap((step): OxlintOverride[] => [
      {
        files: [`src/steps/${step}.ts`],
        rules: stepRules({ group: ['./*', './*/**', `!./${step}/**`], message: NO_OTHER_STEP }),
      },
      {
        files: [`src/steps/${step}/**`],
        rules: stepRules({ group: ['../*', '!../..'], message: NO_OTHER_STEP }),
      },
    ]),
    {
      files: ['src/**'],
      rules: {
        'no-restricted-properties': [
          'error',
          {
            object: 'Date',
            property: 'now',
            message:
              'A wait is measured by performance.now(), which nobody can set. For a date: oxlint.config.ts.',
          },
        ],
        'max-lines': ['error', { max: 250 }],
        'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      },
    },
    { files: DATES, rules: { 'no-restricted-properties': 'off' } },
    { files: ['src/main.ts', 'build/**', 'test/**'], rules: { 'no-restricted-globals': 'off' } },
    { files: ['oxlint.config.ts'], rules: { 'import/no-default-export': 'off' } },
    {
      files: ['test/**'],
      rules: {
        'no-console': 'off',
        'typescript/no-floating-promises': [
          'error',
          {
            allowForKnownSafeCalls: [
              {
                from: 'package',
                name: ['test', 'describe', 'before', 'after'],
                package: 'node:test',
              },
            ],
          },
        ],
      },
    },
  ],
});
