/** In the environment of the unit tests. */
export const UNIT_RUN = 'ETCD_UPKEEP_UNIT_TESTS';

/**
 * Called by whatever finds, builds, installs or mounts something. A test file that reaches this module by its imports
 * is no unit test; one that gets here all the same fails there, so that `npm run test:unit` works on a fresh checkout.
 */
export function needsMoreThanNode(what: string): void {
  if (process.env[UNIT_RUN] !== undefined)
    throw new Error(`${what} is more than Node: no unit test may need it (npm run test:file runs any test)`);
}
