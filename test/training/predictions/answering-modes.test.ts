import t from 'tap';
import type { AnsweringMode } from '../../../shared/bundle/manifest.js';
import type { LoadedParts } from '../../../shared/bundle/load-runtime.js';
import { silentProgress } from '../../../shared/progress.js';
import { Journal } from '../../../training/formats/json-lines.js';
import {
  chooseMode,
  type ModeResult,
  ModeScore,
  measureModes,
  modeScoreId,
} from '../../../training/predictions/answering-modes.js';
import { questionOf } from '../../../training/predictions/measured-questions.js';
import { smallQuestion } from '../../fixtures/small-questions.js';

const result = (name: AnsweringMode, rate: number): ModeResult => ({
  ...{ name, rate, correct: 0, questions: 10, low: 0, high: 1, temperature: null, calibration: null },
});

t.test('the best mode is chosen, of equals the cheapest, or the one that is configured', async (t) => {
  const results = [result('evidence', 0.5), result('label', 0.6), result('verify', 0.6)];
  t.equal(chooseMode(results, 'auto').name, 'label');
  t.equal(chooseMode(results, 'verify').name, 'verify');
  t.equal(chooseMode([result('evidence', 0.5), result('label', 0.5)], 'auto').name, 'evidence');
});

/** Evidence picks the second choice; a student the one that its stem names, and fails where it names none. */
function parts(asked: string[]): Pick<LoadedParts, 'retriever' | 'scorer' | 'studentScorer'> {
  const fakes = {
    retriever: { retrieve: async () => ({ passages: [] }) },
    scorer: {
      score: async () => ({
        choices: [1, 2, 3].map((number) => ({ number, probability: number === 2 ? 1 : 0 })),
      }),
    },
    studentScorer: (mode: string) => ({
      async utilities({ classification }: { classification: { stem: string } }) {
        asked.push(mode);
        const picked = Number(/\d/u.exec(classification.stem)?.[0]);
        return {
          values: [1, 2, 3].map((number) => (Number.isNaN(picked) ? Number.NaN : number === picked ? 3 : 0)),
        };
      },
    }),
  };
  return fakes as unknown as Pick<LoadedParts, 'retriever' | 'scorer' | 'studentScorer'>;
}

const question = (qaId: string, stem: string, answer: string) =>
  questionOf(smallQuestion(qaId, { question: stem, answer, choices: ['가', '나', '다'] }));

t.test('where the student fails the evidence answers, and a journal is not asked again', async (t) => {
  const questions = [
    question('right', '보기 3을 고르면 옳은 것은?', '3'),
    question('silent', '옳은 것은?', '2'),
    ...Array.from({ length: 20 }, (_, i) => question(`wrong${i}`, '보기 1을 고르면 옳은 것은?', '2')),
  ];
  const path = `${t.testdir({})}/modes.jsonl`;
  const measure = async (asked: string[]) => {
    const journal = await Journal.open(path, ModeScore, modeScoreId);
    try {
      return await measureModes(questions, parts(asked), {
        ...{ modes: ['label'], evidencePassages: 8, journal, progress: silentProgress },
        signal: new AbortController().signal,
      });
    } finally {
      await journal.close();
    }
  };
  const asked: string[] = [];
  const results = await measure(asked);
  t.equal(asked.length, 22);
  t.match(results, [
    { name: 'evidence', correct: 21, questions: 22, temperature: null, calibration: null },
    { name: 'label', correct: 2, questions: 22, calibration: { questions: 21 } },
  ]);
  t.ok(results[1]!.temperature! > 1, 'it is wrong more often than it thinks');
  const again: string[] = [];
  t.strictSame(await measure(again), results);
  t.strictSame(again, []);
});

t.test('of too few questions no temperature is fitted', async (t) => {
  const path = `${t.testdir({})}/modes.jsonl`;
  const journal = await Journal.open(path, ModeScore, modeScoreId);
  t.teardown(() => journal.close());
  const questions = Array.from({ length: 19 }, (_, i) => question(`${i}`, '보기 1을 고르면 옳은 것은?', '1'));
  const [, label] = await measureModes(questions, parts([]), {
    ...{ modes: ['label'], evidencePassages: 8, journal, progress: silentProgress },
    signal: new AbortController().signal,
  });
  t.match(label, { name: 'label', correct: 19, temperature: null, calibration: null });
});
