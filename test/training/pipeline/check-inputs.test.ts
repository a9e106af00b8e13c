import { join } from 'node:path';
import t from 'tap';
import { checkInputs } from '../../../training/pipeline/check-inputs.js';
import { parsePipelineConfig } from '../../../training/pipeline/read-pipeline-config.js';

const configOf = (dir: string, more: object = {}) =>
  parsePipelineConfig(
    {
      name: 'x',
      prepare: { raw: join(dir, 'raw') },
      synthesize: { decontaminate: { files: [] } },
      student: { from: join(dir, 'student') },
      distill: { teacher: join(dir, 'teacher') },
      evaluate: { files: [join(dir, 'dev.csv')] },
      ...more,
    },
    'test',
  );
const every = () => true;

t.test('what the configuration names and is not there is said, all of it', async (t) => {
  const dir = t.testdir({ raw: {}, student: {} });
  await t.rejects(checkInputs(configOf(dir), every, {}), {
    code: 'CONFIG_INVALID',
    message:
      /distill\.teacher is .*teacher, which is not there; evaluate\.files is .*dev\.csv, which is not there/u,
  });
  await t.resolves(
    checkInputs(configOf(dir), (stage) => stage === 'prepare', {}),
    'others are not run',
  );
  const whole = t.testdir({ raw: {}, student: {}, teacher: {}, 'dev.csv': '' });
  await t.resolves(checkInputs(configOf(whole), every, {}));
});

t.test("a teacher's address and key are looked at before it is asked", async (t) => {
  const dir = t.testdir({ raw: {}, student: {}, teacher: {}, 'dev.csv': '' });
  const asked = (teacher: object) => ({ respond: { teacher: { kind: 'openai', model: 'm', ...teacher } } });
  const key = { baseUrl: 'http://127.0.0.1/v1', apiKeyEnv: 'SOME_KEY' };
  await t.rejects(checkInputs(configOf(dir, asked({ baseUrl: 'nope' })), every, {}), {
    message: /respond\.teacher\.baseUrl is nope/u,
  });
  await t.rejects(checkInputs(configOf(dir, asked(key)), every, {}), {
    message: /SOME_KEY, which is not set/u,
  });
  await t.resolves(checkInputs(configOf(dir, asked(key)), every, { SOME_KEY: 'k' }));
  const local = { respond: { teacher: { kind: 'local', model: join(dir, 'none') } } };
  await t.rejects(checkInputs(configOf(dir, local), every, {}), {
    message: /respond\.teacher\.model is .*none/u,
  });
});
