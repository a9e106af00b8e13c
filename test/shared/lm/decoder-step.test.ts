import t from 'tap';
import type { DecoderStep } from '../../../shared/lm/decoder.js';
import { checkStep } from '../../../shared/lm/decoder-step.js';
import { KvBuffers } from '../../../shared/lm/kv-buffers.js';

const cache = new KvBuffers({ nLayer: 1, nKvHead: 1, headDim: 2, maxPositions: 8 }, 4, 8);
cache.setLength(1, 5);
const check = (step: Omit<DecoderStep, 'cache'>) => checkStep({ cache, ...step }, { vocabSize: 10 });
const row = (slot: number, ...tokens: number[]) => ({ slot, tokens });

t.test('one row of any length, one token for each of several, and padded empty rows pass', async (t) => {
  t.doesNotThrow(() => check({ rows: [row(1, 1, 2, 3)] }));
  t.doesNotThrow(() => check({ rows: [row(0, 1), row(1, 2), row(2, 9)] }));
  t.doesNotThrow(() => check({ rows: [row(2, 1, 2), row(3, 0, 1, 2, 3, 4, 5, 6, 7)] }));
  t.doesNotThrow(() => check({ rows: [row(1, 1, 2, 3)], branches: [1, 2], wanted: [[0, 2]], targets: [9] }));
  t.doesNotThrow(() => check({ rows: [row(1, 1)], wanted: [], targets: [] }));
});

t.test('a step the contract does not allow throws before anything is computed', async (t) => {
  for (const [step, message] of [
    [{ rows: [] }, /at least one row/],
    [{ rows: [row(0)] }, /row 0 has no tokens/],
    [{ rows: [row(0, 10)] }, /token 10 is not in a vocabulary of 10/],
    [{ rows: [row(0, -1)] }, /token -1/],
    [{ rows: [row(0, 0.5)] }, /token 0\.5/],
    [{ rows: [row(0, 1), row(2, 1)] }, /consecutive ascending slots, got 0,2/],
    [{ rows: [row(1, 1), row(0, 1)] }, /consecutive ascending/],
    [{ rows: [row(3, 1), row(4, 1)] }, /no slot 4/],
    [{ rows: [row(0, 1, 2), row(1, 1)] }, /slot 1 is not empty/],
    [{ rows: [row(0, 1, 2)], branches: [1] }, /branches \[1\] do not divide 2 tokens/],
    [{ rows: [row(0, 1, 2)], branches: [2, 0] }, /do not divide/],
    [{ rows: [row(0, 1), row(1, 2)], branches: [1] }, /of one row/],
    [{ rows: [row(0, 1, 2)], wanted: [[0, 2]] }, /no token 2 in row 0/],
    [{ rows: [row(0, 1, 2)], wanted: [[1, 0]] }, /no token 0 in row 1/],
    [{ rows: [row(0, 1, 2)], targets: [1, 2] }, /2 targets for 1 wanted/],
    [{ rows: [row(0, 1, 2)], targets: [10] }, /token 10/],
  ] as [Omit<DecoderStep, 'cache'>, RegExp][]) {
    t.throws(() => check(step), { name: 'RangeError', message });
  }
});

t.test('tokens that do not fit are LM_CONTEXT_EXCEEDED with the numbers', async (t) => {
  t.throws(() => check({ rows: [row(1, 1, 2, 3, 4)] }), {
    code: 'LM_CONTEXT_EXCEEDED',
    message: /4 tokens do not fit behind the 5 in a slot of 8/,
    data: { slot: 1, length: 5, tokens: 4, capacity: 8 },
  });
});
