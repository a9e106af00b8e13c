import t from 'tap';
import { llamaConfig } from '../../../training/model/llama-config.js';
import { loraConfig } from '../../../training/model/lora.js';
import { trainingFlopsPerToken } from '../../../training/model/training-flops.js';

const sizes = { vocabSize: 8192, hiddenSize: 256, nLayer: 6, nHead: 4, nKvHead: 2, intermediateSize: 704 };
const config = llamaConfig(sizes);
const perLayer = (2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 704) * 6;
const head = 8192 * 256;

t.test(
  'a token takes six operations for each weight of a matrix, and those of the pairs it sees',
  async (t) => {
    const length = 100;
    let pairs = 0;
    for (let q = 0; q < length; q++) pairs += q + 1;
    const attention = (12 * 256 * 6 * pairs) / length;
    t.equal(trainingFlopsPerToken(config, length), 6 * (perLayer + head) + attention);

    let near = 0;
    for (let q = 0; q < length; q++) near += Math.min(q + 1, 30);
    const windows = { ...config, slidingWindow: [30, null, 30, null, 500, null] };
    const mixed = (12 * 256 * (4 * pairs + 2 * near)) / length;
    t.ok(Math.abs(trainingFlopsPerToken(windows, length) / (6 * (perLayer + head) + mixed) - 1) < 1e-12);
  },
);

t.test('frozen weights take four, and adapters six', async (t) => {
  const lora = loraConfig({ r: 8, targets: ['q', 'down'] });
  const adapters = 6 * 8 * (256 + 256 + 704 + 256);
  const attention = 12 * 256 * 6 * ((100 * 101) / 2 / 100);
  t.equal(trainingFlopsPerToken(config, 100, lora), 4 * (perLayer + head) + 6 * adapters + attention);
});
