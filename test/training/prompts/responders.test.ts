import t from 'tap';
import { responseSeed } from '../../../training/prompts/responders.js';

t.test('a response has a seed of its own in each run, iteration and prompt', async (t) => {
  const seeds = [
    responseSeed({ seed: 1, iteration: 1 }, 'a/label'),
    responseSeed({ seed: 2, iteration: 1 }, 'a/label'),
    responseSeed({ seed: 1, iteration: 2 }, 'a/label'),
    responseSeed({ seed: 1, iteration: 1 }, 'b/label'),
  ];
  t.equal(new Set(seeds).size, seeds.length);
  t.equal(responseSeed({ seed: 1, iteration: 1 }, 'a/label'), seeds[0]);
});
