import { join } from 'node:path';
import t from 'tap';
import { utilities } from '../../../shared/answering/choice-model.js';
import { combinedFeatureNames } from '../../../shared/answering/combined-choice-scorer.js';
import type { AnsweringContext } from '../../../shared/answering/choice-scorer.js';
import { type FeatureVector, featureNames } from '../../../shared/answering/evidence-features.js';
import type { LoadedParts } from '../../../shared/bundle/load-runtime.js';
import type { MeasuredQuestion } from '../../../shared/evaluation/measured-question.js';
import { Journal } from '../../../training/formats/json-lines.js';
import {
  CombinedExample,
  combinedExampleId,
  combineModes,
} from '../../../training/predictions/combined-mode.js';

const neutral = Object.fromEntries(featureNames.map((name) => [name, 0])) as FeatureVector;
const progress = { tick: () => {}, stop: () => {} };

/** Every fourth stem is negated; the student is right of all but each fifth. */
function questionOf(i: number): MeasuredQuestion {
  const negated = i % 4 === 0;
  const key = i % 3;
  const choices = ['가', '나', '다'].map((text, at) => `${at + 1}. ${text}${at === key ? ' 정답' : ''}`);
  const text = `${i}번 물음에서 ${negated ? '옳지 않은' : '옳은'} 것은?\n${choices.join('\n')}`;
  return {
    ...{ id: `q${i}`, text, answer: String(key + 1), isOpen: false, negated, keywords: null },
    ...{ domain: 'law', form: 'duty' },
  };
}

let asked = 0;
const parts = {
  retriever: { retrieve: async () => ({ passages: [] }) },
  scorer: {
    evidence: async ({ classification }: AnsweringContext) => ({
      features: classification.choices.map(() => neutral),
      support: [],
      cite: () => [],
    }),
  },
  studentScorer: () => ({
    utilities: async ({ classification: { stem, choices, negated } }: AnsweringContext) => {
      asked++;
      const isRight = Number.parseInt(stem, 10) % 5 !== 0;
      const verdicts = choices.map(
        ({ text }) => (text.endsWith('정답') === isRight ? 2 : -1) * (negated ? -1 : 1),
      );
      return {
        values: verdicts,
        truth: null,
        statements: verdicts.map((verdict) => ({ verdict, logprob: -1 })),
      };
    },
  }),
} as unknown as Pick<LoadedParts, 'retriever' | 'scorer' | 'studentScorer'>;

async function combined(folder: string, calibration: number, authored = 0) {
  const journal = await Journal.open(join(folder, 'combined.jsonl'), CombinedExample, combinedExampleId);
  const lines: string[] = [];
  const of = (count: number, from: number) => Array.from({ length: count }, (_, i) => questionOf(from + i));
  const found = await combineModes(parts, {
    ...{ calibration: of(calibration, 1), authored: of(authored, 1_001), evidencePassages: 3 },
    ...{ journal, progress, signal: new AbortController().signal, log: (line: string) => lines.push(line) },
  });
  await journal.close();
  return { found, lines };
}

t.test(
  'what the student knows is weighed, by cross-validation where it is reported on what it was fitted to',
  async (t) => {
    const folder = t.testdir({});
    asked = 0;
    const { found } = await combined(folder, 100);
    t.equal(asked, 100);
    t.match(found!.result, { name: 'combined', questions: 100 });
    t.ok(found!.result.rate >= 0.75, `${found!.result.rate}: four of five are known`);
    t.strictSame(found!.model.features, [...combinedFeatureNames]);
    const verdict = combinedFeatureNames.indexOf('verdict');
    t.ok(found!.model.positive[verdict]! > 0);
    t.ok(found!.model.negated[verdict]! < 0, 'a statement that holds is not the answer to a negated stem');
    const rows = [1, -1].map((value) => combinedFeatureNames.map((_, at) => (at === verdict ? value : 0)));
    t.ok(utilities(found!.model, rows, false)[0]! > 0);
    const again = await combined(folder, 100);
    t.equal(asked, 100, 'what the journal holds is not asked again');
    t.strictSame(again.found, found);
  },
);

t.test('authored questions are fitted on where there are enough, and the others measured on', async (t) => {
  const { found } = await combined(t.testdir({}), 20, 60);
  t.equal(found!.model.fit.questions, 60);
  t.equal(found!.result.questions, 20);
  t.ok(found!.result.rate >= 0.7);
});

t.test('too few questions give no model, and it is said why', async (t) => {
  const { found, lines } = await combined(t.testdir({}), 20);
  t.equal(found, null);
  t.match(lines.join('\n'), /20 questions are too few/);
});
