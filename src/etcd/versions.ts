/** What etcd's changelogs say of a version, as far as a maintenance run has to know it. */

export interface Version {
  major: number;
  minor: number;
  patch: number;
}

/** What follows the numbers is left out: `3.6.0-rc.1` has the bugs of 3.6.0, and `3.5.13-k3s1` is 3.5.13. */
export function parseVersion(text: string): Version | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match ? { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) } : undefined;
}

export function isBelow(version: Version, major: number, minor: number, patch: number): boolean {
  if (version.major !== major) return version.major < major;
  if (version.minor !== minor) return version.minor < minor;
  return version.patch < patch;
}

/** `3.6`: members that differ in it are in the middle of an upgrade. */
export const minorOf = (text: string): string => text.split('.').slice(0, 2).join('.');

/** Why a member of this version must not be defragmented, or undefined. */
export function refusedForDefragmentation(text: string): string | undefined {
  const version = parseVersion(text);
  if (version === undefined) {
    return `its version ${JSON.stringify(text)} cannot be read, so nobody can say whether that is safe`;
  }
  if (isBelow(version, 3, 4, 4)) {
    return `etcd ${text} can corrupt its database while it defragments (etcd#11613; fixed in 3.4.4)`;
  }
  if (!isBelow(version, 3, 5, 0) && isBelow(version, 3, 5, 6)) {
    return `etcd ${text} can become inconsistent when it crashes while it defragments (etcd#14733; fixed in 3.5.6)`;
  }
  return undefined;
}

/** What to be warned of when a member of this version is defragmented, or undefined. */
export function warnedForDefragmentation(text: string): string | undefined {
  const version = parseVersion(text);
  if (version === undefined) return undefined;
  const fixed = FIXED_20650.find(([major, minor]) => version.major === major && version.minor === minor);
  if (fixed === undefined || !isBelow(version, ...fixed)) return undefined;
  return (
    `etcd ${text} can become corrupt when it has to apply a snapshot of the leader's while it defragments ` +
    `(etcd#20650; fixed in ${fixed.join('.')}): only a member that keeps up with the leader is touched`
  );
}

const FIXED_20650: readonly [number, number, number][] = [
  [3, 4, 38],
  [3, 5, 23],
  [3, 6, 5],
];

/** Whether Status tells the right quota: the field is there from 3.6.0 and right from 3.6.6. */
export function tellsQuota(text: string): boolean {
  const version = parseVersion(text);
  return version !== undefined && !isBelow(version, 3, 6, 6);
}

/**
 * The version to which a member of this version can only be asked whether it may go down, since its Status does not say
 * that a downgrade is enabled: there is one for 3.5 alone, as 3.4 knows no downgrades and 3.6 tells them.
 */
export const askedForDowngrade = (text: string): string | undefined =>
  minorOf(text) === '3.5' ? '3.4.0' : undefined;
