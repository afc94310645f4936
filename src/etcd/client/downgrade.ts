import { DowngradeAction } from 'etcd3';
import { retry } from '../../util/retry.ts';
import { EtcdError, toEtcdError } from '../errors.ts';
import { withHeader } from './answers.ts';
import type { Connection } from './connection.ts';
import { retryReads } from './retry.ts';

/**
 * How often it is asked where a cluster that was just made, or upgraded, may not have agreed on its version yet: that
 * takes some seconds (monitorVersions in etcd's server.go).
 */
export const TRIES_OF_A_NEW_CLUSTER = 5;
const PAUSE_MS = 500;
const MAX_PAUSE_MS = 2_000;

/**
 * Whether a downgrade is enabled, by the cluster's agreement: with one etcd refuses even to say whether the next could be
 * (v3_server.go, `downgradeValidate`). Changes nothing.
 * @throws EtcdError
 */
export async function downgradeEnabled(
  connection: Connection,
  version: string,
  tries: number,
): Promise<boolean> {
  try {
    await retry(() => retryReads(() => validateDowngrade(connection, version)), {
      tries,
      pauseMs: PAUSE_MS,
      maxPauseMs: MAX_PAUSE_MS,
      shouldRetry: (error) => error instanceof EtcdError && error.code === 'other',
    });
    return false;
  } catch (error) {
    const reason = toEtcdError(error);
    if (reason.code === 'downgrading') return true;
    throw reason;
  }
}

async function validateDowngrade(connection: Connection, version: string): Promise<void> {
  const request = { action: DowngradeAction.Validate, version };
  withHeader(await connection.call((options) => connection.maintenance.downgrade(request, options)));
}
