/** The key of a teacher's server: from the environment variable that the configuration names. */
import { HaetaeError } from '../../../shared/errors.js';
import type { TeacherConfig } from '../../pipeline/pipeline-config.js';

/**
 * Undefined where the teacher needs none.
 * @throws HaetaeError CONFIG_INVALID naming the variable, never what it holds
 */
export function apiKeyOf(
  config: TeacherConfig,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (config.kind !== 'openai' || config.apiKeyEnv === undefined) return undefined;
  const key = env[config.apiKeyEnv]?.trim() ?? '';
  if (key === '') {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `The teacher's key should be in the environment variable ${config.apiKeyEnv}, which is not set. Set it, or leave apiKeyEnv out where the server asks for no key.`,
      { variable: config.apiKeyEnv },
    );
  }
  // A header cannot hold anything else, and the error of `fetch` would show the key.
  if (!/^[\x21-\x7e]+$/u.test(key)) {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `The environment variable ${config.apiKeyEnv} holds white space or letters that no key has. Set it again.`,
      { variable: config.apiKeyEnv },
    );
  }
  return key;
}
