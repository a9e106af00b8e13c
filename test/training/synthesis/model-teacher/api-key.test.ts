import t from 'tap';
import type { OpenAiTeacherConfig } from '../../../../training/pipeline/pipeline-config.js';
import { apiKeyOf } from '../../../../training/synthesis/model-teacher/api-key.js';

const config: OpenAiTeacherConfig = {
  kind: 'openai',
  baseUrl: 'http://127.0.0.1:1/v1',
  model: 'm',
  concurrency: 1,
  timeoutMs: 1,
  retries: 0,
  price: { prompt: 0, completion: 0 },
};

t.test('the key is that of the variable, without the line break that files end with', async (t) => {
  t.equal(apiKeyOf({ ...config, apiKeyEnv: 'KEY' }, { KEY: 'sk-abc\n' }), 'sk-abc');
});

t.test('no key is needed where none is named, nor without a server', async (t) => {
  t.equal(apiKeyOf(config, { KEY: 'sk-abc' }), undefined);
  t.equal(apiKeyOf({ kind: 'statute' }, {}), undefined);
});

t.test('a variable that is not set is named', async (t) => {
  for (const env of [{}, { KEY: '' }, { KEY: ' \n' }]) {
    t.throws(() => apiKeyOf({ ...config, apiKeyEnv: 'KEY' }, env), {
      code: 'CONFIG_INVALID',
      message: /environment variable KEY, which is not set/,
    });
  }
});

t.test('a key that no header can hold is refused without being shown', async (t) => {
  for (const key of ['sk abc', 'sk-\nabc', 'sk-열쇠']) {
    const refused = () => apiKeyOf({ ...config, apiKeyEnv: 'KEY' }, { KEY: key });
    t.throws(refused, { code: 'CONFIG_INVALID' });
    try {
      refused();
    } catch (error) {
      t.notMatch(String(error), /abc|열쇠/);
    }
  }
});
