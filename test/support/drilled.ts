import type { DrillFigures } from '../../src/sinks/drill.ts';

/** What a drill with an API server tells that went well. */
export const drilled = (): DrillFigures => ({
  exitCode: 0,
  wayBackSeconds: 5.5,
  resources: [
    { resource: 'secrets', stored: 5, served: 5 },
    { resource: 'configmaps', stored: 7, served: 7 },
    { resource: 'orphans', stored: 3 },
  ],
});
