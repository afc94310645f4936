import {
  type ConfigProblem,
  ConfigurationError,
  type Environment,
  loadConfig,
} from '../../src/config/config.ts';

/** What `loadConfig` finds wrong with an environment; nothing where it takes it. */
export function problemsOf(env: Environment): readonly ConfigProblem[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}
