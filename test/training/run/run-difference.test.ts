import t from 'tap';
import {
  inputDifferences,
  refuseDifferences,
  settingDifferences,
} from '../../../training/run/run-difference.js';

const config = {
  ...{ output: 'a', seed: 1, threads: 2, data: { train: ['x', 'y'], rows: 4 } },
  ...{ divergence: { factor: 3, steps: 50 }, checkpoint: { everySteps: 5 } },
};

t.test('settings that change the steps are named, others may change', async (t) => {
  const now = {
    ...{ output: 'b', seed: 2, data: { train: ['x'], rows: 4, length: 8 } },
    ...{ divergence: null, checkpoint: { everySteps: 9 } },
  };
  t.strictSame(settingDifferences(config, now), [
    'seed was 1, is 2',
    'data.train was ["x","y"], is ["x"]',
    'data.length was absent, is 8',
  ]);
  t.strictSame(settingDifferences(config, config), []);
});

t.test('inputs that are other, gone or new are named', async (t) => {
  t.strictSame(inputDifferences({ a: '1', b: '2', c: '3' }, { a: '1', b: '9', d: '4' }), [
    'b has another content',
    'c is gone',
    'd was not there',
  ]);
});

t.test('any difference is refused, none is not', async (t) => {
  refuseDifferences('out/checkpoint-5', []);
  t.throws(() => refuseDifferences('out/checkpoint-5', ['seed was 1, is 2']), {
    code: 'CONFIG_INVALID',
    message: /^out\/checkpoint-5 cannot be resumed.*: seed was 1, is 2\. Put it back/,
  });
});
