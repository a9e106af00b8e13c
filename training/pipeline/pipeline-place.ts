/**
 * Where a pipeline keeps what:
 *
 * ```
 * OUT/work/<stage id>/   what a stage made, with stage.json (what it was made from) and summary.json
 * OUT/cache/             parsed documents, vectors of texts
 * OUT/runs/<run id>/     run.json, report.html, config.json, logs/<stage id>.log
 * OUT/models/            bundles, unless the configuration names another folder
 * OUT/run.lock           while a run is at work
 * ```
 */
import { join, resolve } from 'node:path';
import type { PipelineConfig } from './pipeline-config.js';
import { repeatedStages, type StageName, type StagePlace } from './stage-definition.js';
import { type StageInstance, stageId } from './stage-instances.js';

export interface PipelinePlace {
  out: string;
  work: string;
  cache: string;
  runs: string;
  models: string;
}

export function pipelinePlace(out: string, config: PipelineConfig): PipelinePlace {
  const root = resolve(out);
  return {
    out: root,
    work: join(root, 'work'),
    cache: join(root, 'cache'),
    runs: join(root, 'runs'),
    models: resolve(config.publish.models ?? join(root, 'models')),
  };
}

/** The place as a stage sees it. */
export function stagePlace(
  place: PipelinePlace,
  config: PipelineConfig,
  { id, definition, iteration }: Pick<StageInstance, 'id' | 'definition' | 'iteration'>,
  incumbentId: string | null,
): StagePlace {
  const ownIteration = repeatedStages.includes(definition.name) ? iteration : config.distill.iterations;
  return {
    config,
    iteration,
    folder: join(place.work, id),
    folderOf: (stage: StageName, of: number = ownIteration) => join(place.work, stageId(stage, of)),
    modelsDir: place.models,
    incumbentId,
    cacheFolder: place.cache,
  };
}
