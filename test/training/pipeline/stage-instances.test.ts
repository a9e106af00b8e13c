import t from 'tap';
import { parsePipelineConfig } from '../../../training/pipeline/read-pipeline-config.js';
import {
  type StageDefinition,
  type StageName,
  stageNames,
} from '../../../training/pipeline/stage-definition.js';
import { selectStages, stageInstances } from '../../../training/pipeline/stage-instances.js';

const stages = stageNames.map((name) => ({
  name,
  isWanted: (config) => (name === 'sft' ? config.sft !== undefined : name !== 'sft-teacher'),
})) as Pick<StageDefinition, 'name' | 'isWanted'>[] as StageDefinition[];

function instances(iterations: number, sft: boolean) {
  const config = parsePipelineConfig(
    {
      ...{ name: 'x', student: { from: 'folder' } },
      distill: { iterations, teacher: 'folder' },
      ...(sft ? { sft: {} } : {}),
    },
    'test',
  );
  return stageInstances(stages, config);
}

t.test('the stages of the loop are repeated together, the others stand once', async (t) => {
  t.strictSame(
    instances(2, true).map(({ id, iteration }) => `${id} ${iteration}`),
    [
      ...['prepare 1', 'embed 1', 'index 1', 'synthesize 1', 'pretrain 1', 'sft 1'],
      ...['respond-1 1', 'reformat-1 1', 'distill-1 1', 'respond-2 2', 'reformat-2 2', 'distill-2 2'],
      ...['validate 1', 'quantize 1', 'evaluate 1', 'publish 1'],
    ],
  );
  t.notOk(instances(1, false).some(({ id }) => id === 'sft'));
});

t.test('a name means every repetition, an id one of them', async (t) => {
  const all = instances(2, false);
  const chosen = (selection: Parameters<typeof selectStages>[1]) =>
    [...selectStages(all, selection)].join(' ');
  t.equal(chosen({ only: 'respond' }), 'respond-1 respond-2');
  t.equal(chosen({ only: 'respond-2' }), 'respond-2');
  t.equal(chosen({ from: 'distill-2', to: 'validate' }), 'distill-2 validate');
  t.equal(chosen({ from: 'distill', to: 'distill' }), 'distill-1 respond-2 reformat-2 distill-2');
  t.equal(chosen({ to: 'index' }), 'prepare embed index');
  t.equal(selectStages(all, {}).size, all.length);
});

t.test('a stage that is not there is answered with the nearest one', async (t) => {
  t.throws(() => selectStages(instances(1, false), { only: 'distil' satisfies string }), {
    code: 'USAGE',
    message: /--only distil: .*distill/u,
  });
  const none: StageName = 'sft';
  t.throws(() => selectStages(instances(1, false), { from: none }), { code: 'USAGE' });
});
