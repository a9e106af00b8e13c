import t from 'tap';
import { quantizationGate } from '../../../training/gates/quantization-gate.js';

const limits = { maxPerplexityRatio: 1.15, minAgreement: 0.85 };
const choices = (agreement: number) => ({ questions: 40, agreement });

t.test('both limits may be reached and not be passed', async (t) => {
  const table: [ratio: number, agreement: number | null, passed: boolean][] = [
    [1.02, 0.95, true],
    [1.15, 0.85, true],
    [1.1501, 0.95, false],
    [1.02, 0.849, false],
    [1.02, null, true],
    [Number.NaN, 1, false],
    [Number.POSITIVE_INFINITY, null, false],
  ];
  for (const [perplexityRatio, agreement, passed] of table) {
    const cost = { perplexityRatio, choices: agreement === null ? null : choices(agreement) };
    t.equal(quantizationGate(cost, limits).passed, passed, `${perplexityRatio}, ${agreement}`);
  }
});

t.test('the sentence holds the figures and their limits, and what to do', async (t) => {
  t.equal(
    quantizationGate({ perplexityRatio: 1.2, choices: choices(0.9) }, limits).sentence,
    'The quantised student costs too much: perplexity × 1.2000 (at most 1.15), the same choice in 90.0 % of 40 questions (at least 85 %). ' +
      'Choose 8 bits, a smaller block or calibrated, or allow more in quantize of the configuration.',
  );
  t.match(quantizationGate({ perplexityRatio: 1, choices: null }, limits).sentence, /no question/);
});
