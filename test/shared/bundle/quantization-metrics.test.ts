import t from 'tap';
import { quantizationMetrics } from '../../../shared/bundle/quantization-metrics.js';

t.test('figures of the report, those that are there', async (t) => {
  const report = {
    bitsPerWeight: 5.1,
    quality: { perplexity: { reference: 10, quantized: 10.4, ratio: 1.04 }, choices: { agreement: 0.97 } },
  };
  t.strictSame(quantizationMetrics(report), {
    studentBitsPerWeight: 5.1,
    studentPerplexity: 10.4,
    studentPerplexityRatio: 1.04,
    studentChoiceAgreement: 0.97,
  });
  t.strictSame(quantizationMetrics({ ...report, quality: null }), { studentBitsPerWeight: 5.1 });
  for (const odd of [undefined, null, 4, 'text', [], { bitsPerWeight: '5', quality: { perplexity: 3 } }])
    t.strictSame(quantizationMetrics(odd), {}, JSON.stringify(odd));
});
