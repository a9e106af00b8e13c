/** The models that `/v1` knows: the active bundle by its id, and the same under a name that never changes. */
import type { RuntimeInfo } from '../../shared/bundle/runtime.js';
import { HaetaeError } from '../../shared/errors.js';
import type { Engine } from '../engine/engine.js';
import { modelNotFound } from './open-ai-error.js';

export const modelAlias = 'haetae';

/** The bundle that `name` means. Throws `ENGINE_UNAVAILABLE` while none is loaded, and `model_not_found`. */
export function servedModel(engine: Engine, name: string): RuntimeInfo {
  const { info, state } = engine.health();
  if (info === null) {
    throw new HaetaeError('ENGINE_UNAVAILABLE', `No bundle is loaded yet: the engine is ${state}.`);
  }
  if (name !== modelAlias && name !== info.bundleId) throw modelNotFound(name, [info.bundleId, modelAlias]);
  return info;
}

/** As `servedModel`, and throws `MODEL_NOT_LOADED` where the bundle has no student. */
export function servedStudent(
  engine: Engine,
  name: string,
): RuntimeInfo & { student: NonNullable<RuntimeInfo['student']> } {
  const { student, ...info } = servedModel(engine, name);
  if (student !== null) return { ...info, student };
  throw new HaetaeError(
    'MODEL_NOT_LOADED',
    `Bundle ${info.bundleId} has no language model. Make one from a model folder with: haetae models import`,
  );
}
