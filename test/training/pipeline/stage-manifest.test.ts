import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readdirSync } from 'node:fs';
import t from 'tap';
import type { StageDefinition, StagePlace } from '../../../training/pipeline/stage-definition.js';
import { beginStage, isStarted, type StageKey, stageKey } from '../../../training/pipeline/stage-manifest.js';
import { validate } from '../../../training/stages/validate.js';

const key: StageKey = { stage: 'validate', code: 'c', options: { seed: 1 }, inputs: { a: 'x' } };

t.test('a stage goes on with what was made from the same against the same, with nothing else', async (t) => {
  const folder = join(t.testdir({}), 'stage');
  /** Whether an answer in the folder outlives the next start. */
  const outlives = async (next: StageKey, incumbentId: string | null) => {
    await beginStage(folder, key, 'one');
    await writeFile(join(folder, 'answers.jsonl'), '{}');
    await beginStage(folder, next, incumbentId);
    return readdirSync(folder).includes('answers.jsonl');
  };
  t.ok(await outlives(key, 'one'));
  t.ok(await outlives({ ...key, inputs: { moved: 'x' } }, 'one'), 'the output folder was moved');
  t.notOk(await outlives(key, 'another'), 'its answers are of another bundle');
  t.notOk(await outlives(key, null));
  for (const change of [{ code: 'd' }, { options: { seed: 2 } }, { inputs: { a: 'y' } }]) {
    t.notOk(await outlives({ ...key, ...change }, 'one'), JSON.stringify(change));
    t.notOk(await isStarted(folder, key));
  }
});

t.test('the code of a stage is its own module, its folders and its libraries', async (t) => {
  const codeOf = async (change: Partial<StageDefinition>) => {
    const definition = { ...validate, options: () => ({}), inputs: () => [], ...change };
    return (await stageKey(definition, { iteration: 1 } as StagePlace)).code;
  };
  const codes = await Promise.all([
    codeOf({}),
    codeOf({ name: 'publish' }),
    codeOf({ code: { ...validate.code, folders: ['../gates'] } }),
    codeOf({ code: { ...validate.code, libraries: [] } }),
  ]);
  t.equal(new Set(codes).size, codes.length);
  t.equal(await codeOf({}), codes[0]);
});
