import t from 'tap';
import { repetitionPenalty } from '../../../shared/lm/logits-processor.js';

t.test('what was seen is divided where positive and multiplied where negative, once', async (t) => {
  const processor = repetitionPenalty(2, [0, 1, 1, 0, 1]);
  const logits = Float32Array.of(4, -4, 4, -4, 0);
  processor.process(logits);
  t.strictSame([...logits], [2, -8, 4, -4, 0]);
});

t.test('tokens of the output count from the moment they are drawn', async (t) => {
  const processor = repetitionPenalty(1.5, [0]);
  const first = Float32Array.of(3, 3, 3);
  processor.process(first);
  t.strictSame([...first], [2, 3, 3]);
  processor.accept(2);
  const second = Float32Array.of(3, 3, 3);
  processor.process(second);
  t.strictSame([...second], [2, 3, 2]);
});

t.test('a penalty below one rewards repetition', async (t) => {
  const logits = Float32Array.of(1, -1);
  repetitionPenalty(0.5, [0, 1]).process(logits);
  t.strictSame([...logits], [2, -0.5]);
});
