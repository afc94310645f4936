import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatManifest, type Manifest } from '../../src/backup/manifest.ts';
import { backupName, manifestName } from '../../src/backup/names.ts';
import type { Usage } from '../../src/bolt/usage/types.ts';
import { sampleManifest } from '../backup/sample.ts';
import { usageOf } from '../support/usage.ts';

export const DAY = 24 * 60 * 60 * 1000;
export const MIB = 2 ** 20;
const STORED = 5;

/** What is to be different on one night. `at`: milliseconds since 1970. */
export interface ManifestChanges
  extends Omit<Partial<Manifest>, 'startedAt' | 'finishedAt' | 'raw' | 'stored'> {
  at: number;
  seconds?: number;
  rawBytes?: number;
}

/** The manifest of a backup that was never taken. */
export function inventedManifest({
  at,
  seconds = 10,
  rawBytes = 200 * MIB,
  ...changes
}: ManifestChanges): Manifest {
  const revision = changes.revision ?? 4711;
  const startedAt = new Date(at);
  return sampleManifest({
    name: backupName({ at: startedAt, revision, compression: 'zstd' }),
    startedAt: startedAt.toISOString(),
    finishedAt: new Date(at + seconds * 1000).toISOString(),
    raw: { size: rawBytes, sha256: 'a'.repeat(64) },
    stored: { size: STORED, sha256: 'b'.repeat(64) },
    revision,
    ...changes,
  });
}

/** Puts them into a folder as a run would have left them. */
export async function putInvented(folder: string, manifests: readonly Manifest[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const manifest of manifests) {
    await writeFile(join(folder, manifest.name), 'x'.repeat(STORED));
    await writeFile(join(folder, manifestName(manifest.name)), formatManifest(manifest));
  }
}

/**
 * A hundred nights up to `now`: the oldest of an earlier version; a week without a backup; a cluster that was restored
 * and shrank; another restored with a revision that was lifted; a night dated in 1999 and one dated in a year; three
 * nights on which the cluster was not well; a run by hand a few minutes after a night's; most of them know what fills it.
 */
export function hundredManifests(now: number): Manifest[] {
  const quota = 512 * MIB;
  return Array.from({ length: 100 }, (_, night) => {
    const started = now - (100 - night) * DAY + ((night * 7919) % 400) * 1000;
    const restored = night >= 45;
    const lifted = night >= 70;
    const since = restored ? night - 45 : night;
    const inUse = (restored ? 90 + (night - 45) * 3 : 150 + night * 2) * MIB + ((night * 31) % 9) * MIB;
    const rawBytes = Math.round(inUse * (1.15 + ((night * 13) % 10) / 25));
    const revision = (restored ? 120_000 : 800_000) + night * 9_000 + ((night * 6151) % 4_000);
    const at = night === 20 ? Date.UTC(1999, 0, 1, 0, 3) : night === 90 ? now + 365 * DAY : started;
    return inventedManifest({
      at: night === 99 ? started - DAY + 300_000 : at - (night < 30 ? 7 * DAY : 0),
      seconds: 4 + rawBytes / (45 + (night % 7)) / MIB,
      rawBytes,
      revision: lifted ? 1_790_000_000_000 + revision : revision,
      raftTerm: restored ? 2 : 9,
      ...(night >= 10 && { database: { inUse, quota } }),
      ...(night >= 15 && night % 19 !== 0 && { usage: inventedUsage(since) }),
      ...(night % 33 === 7 && {
        problems: ['the member cp-2 did not answer: connection refused <10.0.0.12>'],
      }),
    });
  });
}

/** Of the resources of a cluster: those of a controller that forgets what it made grow, and go once. */
function inventedUsage(nights: number): Usage {
  const wobble = (size: number): number => Math.round(size * MIB * (1 + ((nights * 37) % 11) / 30));
  const left = nights % 40;
  return usageOf({
    'workflows.argoproj.io': [Math.round(left * 2.2 * MIB), Math.round(left * 0.7 * MIB), left * 100],
    events: [wobble(22), wobble(4), 9000],
    pods: [wobble(18), wobble(16), 1200],
    secrets: [wobble(14), wobble(0.2), 900],
    leases: [wobble(0.2), wobble(9), 40],
    'ciliumendpoints.cilium.io': [wobble(6), wobble(3), 1200],
    configmaps: [wobble(5), wobble(0.4), 600],
    endpointslices: [wobble(1.5), wobble(1.5), 700],
    replicasets: [wobble(1.2), wobble(0.4), 800],
    other: [wobble(1), wobble(0.5), 400],
  });
}
