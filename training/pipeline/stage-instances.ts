/** The stages of a pipeline in their order, each repetition of its own, and which of them a command asks for. */
import { HaetaeError } from '../../shared/errors.js';
import { nearestName } from '../run/nearest-name.js';
import type { PipelineConfig } from './pipeline-config.js';
import { repeatedStages, type StageDefinition, type StageName } from './stage-definition.js';

export interface StageInstance {
  /** `prepare`; of a repeated stage `respond-2`. */
  id: string;
  definition: StageDefinition;
  iteration: number;
}

export interface StageSelection {
  /** Name or id of the first stage that is run; those before are taken as they are. */
  from?: string;
  /** Of the last one. */
  to?: string;
  /** Of the only one: all of its repetitions where the name is given. */
  only?: string;
}

/** Id of a stage in an iteration. */
export function stageId(stage: StageName, iteration: number): string {
  return repeatedStages.includes(stage) ? `${stage}-${iteration}` : stage;
}

/** Those that `config` wants, repeated ones as often as it says: respond-1, reformat-1, distill-1, respond-2, … */
export function stageInstances(stages: readonly StageDefinition[], config: PipelineConfig): StageInstance[] {
  const wanted = stages.filter((stage) => stage.isWanted(config));
  const isRepeated = ({ name }: StageDefinition) => repeatedStages.includes(name);
  const first = wanted.findIndex(isRepeated);
  const single = (definition: StageDefinition) => ({ id: definition.name, definition, iteration: 1 });
  if (first < 0) return wanted.map(single);
  const loop = wanted.filter(isRepeated);
  const repeated = Array.from({ length: config.distill.iterations }, (_, i) =>
    loop.map((definition) => ({
      id: stageId(definition.name, i + 1),
      definition,
      iteration: i + 1,
    })),
  );
  return [
    ...wanted.slice(0, first).map(single),
    ...repeated.flat(),
    ...wanted
      .slice(first)
      .filter((stage) => !isRepeated(stage))
      .map(single),
  ];
}

/**
 * Ids of the stages that are asked for.
 * @throws HaetaeError USAGE where a stage is not known, --only stands with another, or nothing is left
 */
export function selectStages(
  instances: readonly StageInstance[],
  { from, to, only }: StageSelection,
): ReadonlySet<string> {
  if (only !== undefined && (from !== undefined || to !== undefined)) {
    throw new HaetaeError('USAGE', '--only stands alone: leave out --from and --to.');
  }
  if (only !== undefined) {
    find(instances, only, '--only');
    return new Set(instances.filter((it) => matches(it, only)).map(({ id }) => id));
  }
  const start = from === undefined ? 0 : find(instances, from, '--from').first;
  const end = to === undefined ? instances.length - 1 : find(instances, to, '--to').last;
  if (start > end) {
    throw new HaetaeError('USAGE', `--from ${from} comes after --to ${to}, so that nothing would be run.`);
  }
  return new Set(instances.slice(start, end + 1).map(({ id }) => id));
}

/** Whether a stage is run in any of its repetitions. */
export function selectedNames(
  instances: readonly StageInstance[],
  selected: ReadonlySet<string>,
): (stage: StageName) => boolean {
  const names = new Set(
    instances.filter(({ id }) => selected.has(id)).map(({ definition }) => definition.name),
  );
  return (stage) => names.has(stage);
}

const matches = ({ id, definition }: StageInstance, name: string): boolean =>
  id === name || definition.name === name;

function find(
  instances: readonly StageInstance[],
  name: string,
  option: string,
): { first: number; last: number } {
  const first = instances.findIndex((it) => matches(it, name));
  if (first >= 0) return { first, last: instances.findLastIndex((it) => matches(it, name)) };
  const names = [...new Set(instances.flatMap(({ id, definition }) => [definition.name, id]))];
  const near = nearestName(name, names);
  throw new HaetaeError(
    'USAGE',
    `${option} ${name}: this pipeline has no such stage. ${near ? `Did you mean ${near}?` : `Its stages are ${instances.map(({ id }) => id).join(', ')}.`}`,
  );
}
