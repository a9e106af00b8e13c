import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { AnswerResult } from '../../../shared/answering/answer.js';
import {
  checkProbes,
  maxProbes,
  probabilityTolerance,
  readProbes,
  takeProbes,
  writeProbes,
} from '../../../shared/bundle/probes.js';
import { fakeAnswer, fakeInfo } from '../../fixtures/fake-results.js';

interface Behaviour {
  probabilities?: number[];
  passages?: string[];
  usedFallback?: boolean;
  answer?: string;
}

/** A bundle that answers every question in one way: by choices where there are probabilities. */
function bundle({ probabilities = [], passages = ['a#1', 'b#1'], usedFallback = false, answer }: Behaviour) {
  return {
    info: fakeInfo('bundle-1'),
    answer: async (
      question: string,
      _options?: object,
      _signal?: AbortSignal,
      onEvent?: (event: never) => void,
    ): Promise<AnswerResult> => {
      if (answer === 'throw') throw new Error('the index is cut off');
      const heard = passages.map((chunkId) => ({ chunkId, title: '', section: '', score: 1 }));
      (onEvent as ((event: object) => void) | undefined)?.({ type: 'retrieval', passages: heard });
      const choices = probabilities.map((probability, i) => ({
        number: i + 1,
        text: '',
        probability,
        support: 0,
      }));
      const best = probabilities.indexOf(Math.max(...probabilities)) + 1;
      return {
        ...fakeAnswer(question),
        choices,
        usedFallback,
        answer: answer ?? (best > 0 ? String(best) : 'text'),
      };
    },
  };
}

const asked = ['첫째?', '둘째?'];

async function check(before: Behaviour, after: Behaviour): Promise<void> {
  await checkProbes(bundle(after), await takeProbes(bundle(before), asked));
}

t.test(
  'a bundle that answers as it did passes, and so do differences of rounding and near ties',
  async () => {
    const choices = { probabilities: [0.7, 0.2, 0.1] };
    await check(choices, choices);
    await check(choices, { probabilities: [0.6, 0.25, 0.15], passages: ['b#1', 'c#1'] });
    await check({ probabilities: [0.51, 0.49] }, { probabilities: [0.49, 0.51] });
    await check({ answer: 'a text' }, { answer: 'sampled otherwise', usedFallback: true });
  },
);

for (const [what, before, after, message] of [
  [
    'another choice',
    { probabilities: [0.7, 0.3] },
    { probabilities: [0.3, 0.7] },
    /expected 1 \(1: 0\.70.*got 2/,
  ],
  [
    'a probability beyond the tolerance',
    { probabilities: [0.9, 0.1] },
    { probabilities: [0.9 - probabilityTolerance - 0.01, 0.1 + probabilityTolerance + 0.01] },
    /got 1 \(1: 0\.74/,
  ],
  ['fewer choices', { probabilities: [0.5, 0.5] }, { probabilities: [0.5] }, /got 1 \(1: 0\.50\)/],
  ['more choices', { probabilities: [0.5, 0.5] }, { probabilities: [0.5, 0.5, 0] }, /got 1 \(.*3: 0\.00\)/],
  [
    'no probabilities',
    { probabilities: [0.5, 0.5] },
    { answer: '1', usedFallback: true },
    /expected an answer of its own/,
  ],
  ['other passages', {}, { passages: ['x#1', 'y#1'] }, /expected the passages a#1, b#1, got x#1, y#1/],
  [
    'less than half of the passages',
    { passages: ['a#1', 'b#1', 'c#1'] },
    { passages: ['a#1', 'x#1', 'y#1'] },
    /got a#1, x#1, y#1/,
  ],
  ['no passages', {}, { passages: [] }, /got none/],
  ['no answer', {}, { answer: '' }, /expected an answer, got none/],
  ['an error', {}, { answer: 'throw' }, /probe 1 of 2: the index is cut off/],
] as const satisfies readonly (readonly [string, Behaviour, Behaviour, RegExp])[]) {
  t.test(`${what} is refused, with what was expected and what came`, async (t) => {
    await t.rejects(check(before as Behaviour, after as Behaviour), { code: 'BUNDLE_REFUSED', message });
  });
}

t.test('the first probe that differs is named', async (t) => {
  const probes = await takeProbes(bundle({ probabilities: [0.7, 0.3] }), asked);
  probes[1] = { ...probes[1]!, choices: probes[1]!.choices.toReversed() };
  await t.rejects(checkProbes(bundle({ probabilities: [0.7, 0.3] }), probes), {
    message: /'bundle-1' does not reproduce probe 2 of 2/,
    data: { probe: 2, bundleId: 'bundle-1' },
  });
});

t.test('probes are what they were after a file', async (t) => {
  const path = join(t.testdir({}), 'probes.jsonl');
  const probes = await takeProbes(bundle({ probabilities: [1 / 3, 2 / 3] }), asked);
  t.strictSame(
    probes[0]?.choices.map(({ probability }) => probability),
    [0.333333, 0.666667],
  );
  await writeProbes(path, probes);
  t.strictSame(await readProbes(path), probes);
});

t.test('a file of probes that cannot be read is a broken bundle, and the line is named', async (t) => {
  const path = join(t.testdir({}), 'probes.jsonl');
  await t.rejects(readProbes(path), { code: 'BUNDLE_INVALID', message: /cannot be read/ });
  await writeFile(path, '{"question":"x"}\n');
  await t.rejects(readProbes(path), { code: 'BUNDLE_INVALID', message: /line 1: / });
  await writeFile(path, '{');
  await t.rejects(readProbes(path), { code: 'BUNDLE_INVALID', message: /line 1 is not JSON/ });
  await writeFile(path, '{}\n'.repeat(maxProbes + 1));
  await t.rejects(readProbes(path), { code: 'BUNDLE_INVALID', message: /101 probes/ });
  await t.rejects(takeProbes(bundle({}), Array(maxProbes + 1).fill('?')), { code: 'USAGE' });
});
