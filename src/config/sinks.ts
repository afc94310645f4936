import { type Environment, type Variables, variablesOf } from './variables.ts';

/** Who is told of a run. What is left out is not told. */
export interface SinksConfig {
  readonly pushgatewayUrl?: URL | undefined;
  /** Absolute, and ends in `.prom`. */
  readonly textfile?: string | undefined;
  /** Its path is a secret. */
  readonly heartbeatUrl?: URL | undefined;
}

export const readSinks = ({ read }: Variables): SinksConfig => ({
  pushgatewayUrl: read('METRICS_PUSHGATEWAY_URL', (it) => it.asHttpUrl()),
  textfile: read('METRICS_TEXTFILE', (it) => it.asTextfile()),
  heartbeatUrl: read('HEARTBEAT_URL', (it) => it.asHttpUrl()),
});

/** Who is told that the configuration is wrong: those that are right themselves. */
export const sinksOf = (env: Environment): SinksConfig => readSinks(variablesOf(env));
