/** What a run would do, without doing it: for each stage whether it would work, on how much, and for how long. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PipelineConfig } from './pipeline-config.js';
import { checkInputs } from './check-inputs.js';
import { activeBundle, publishedBundle } from './incumbent.js';
import { pipelinePlace, stagePlace } from './pipeline-place.js';
import type { StageDefinition } from './stage-definition.js';
import { type StageSelection, selectedNames, selectStages, stageInstances } from './stage-instances.js';
import { finishedStage, isSameIncumbent, isSameKey, isStarted, stageKey } from './stage-manifest.js';

export interface PlannedStage {
  id: string;
  about: string;
  /** `run` of a stage behind one that runs: it may turn out unchanged. */
  what: 'left out' | 'unchanged' | 'run' | 'go on';
  facts: readonly (readonly [name: string, value: string])[];
  /** As long as it took last time, else an estimate; null where nothing tells. */
  seconds: number | null;
}

export interface PlanOptions {
  stages: readonly StageDefinition[];
  config: PipelineConfig;
  out: string;
  selection: StageSelection;
  force: boolean;
  /** Of the process, for the keys of teachers. */
  env: NodeJS.ProcessEnv;
}

/** @throws HaetaeError USAGE; CONFIG_INVALID where what the configuration names is not there */
export async function planPipeline(options: PlanOptions): Promise<PlannedStage[]> {
  const { config, force } = options;
  const instances = stageInstances(options.stages, config);
  const selected = selectStages(instances, options.selection);
  await checkInputs(config, selectedNames(instances, selected), options.env);
  const place = pipelinePlace(options.out, config);
  const incumbentId = await activeBundle(place.models);
  const published = await publishedBundle(place);
  const planned: PlannedStage[] = [];
  let mayChange = false;
  for (const instance of instances) {
    const { id, definition } = instance;
    const own = stagePlace(place, config, instance, incumbentId);
    const { facts, seconds } = await definition.estimate(own);
    const last = await lastSeconds(own.folder);
    const stage = { id, about: definition.about, facts, seconds: last ?? seconds };
    if (!selected.has(id)) {
      planned.push({ ...stage, what: 'left out', seconds: 0 });
      continue;
    }
    const finished = force || mayChange ? undefined : await finishedStage(own.folder);
    const key = mayChange ? undefined : await stageKey(definition, own);
    const isUnchanged =
      finished &&
      key &&
      isSameKey(finished, key) &&
      isSameIncumbent(finished, definition, incumbentId, published);
    if (isUnchanged) planned.push({ ...stage, what: 'unchanged', seconds: 0 });
    else {
      const goesOn = key !== undefined && (await isStarted(own.folder, key));
      planned.push({ ...stage, what: goesOn ? 'go on' : 'run' });
      mayChange = true;
    }
  }
  return planned;
}

async function lastSeconds(folder: string): Promise<number | undefined> {
  try {
    return (JSON.parse(await readFile(join(folder, 'stage.json'), 'utf8')) as { seconds?: number }).seconds;
  } catch {
    return undefined;
  }
}
