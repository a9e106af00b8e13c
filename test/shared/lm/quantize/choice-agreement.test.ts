import t from 'tap';
import { HaetaeError } from '../../../../shared/errors.js';
import type { LanguageModel } from '../../../../shared/lm/language-model.js';
import {
  type ChoiceQuestion,
  compareChoices,
  pickChoices,
  sampleQuestions,
} from '../../../../shared/lm/quantize/choice-agreement.js';

const csv = (rows: string[]) => `Question,Answer\n${rows.join('\n')}\n`;

t.test('the likeliest choice is that with the best mean, not the best sum', async (t) => {
  const prompts: string[] = [];
  const model: Pick<LanguageModel, 'score'> = {
    async score({ prompt, continuations }) {
      prompts.push(String(prompt));
      return continuations.map((text) => {
        const [mean, tokens] = String(text).split(' ').map(Number) as [number, number];
        return { tokens: new Array(tokens).fill(0), logprobs: [], sum: mean * tokens };
      });
    },
  };
  const questions: ChoiceQuestion[] = [
    { stem: 'first', choices: ['-2 1', '-1 9', '-3 1'], answer: 1 },
    { stem: 'second', choices: ['-1 2', '-1 2'], answer: 1 },
  ];
  t.strictSame(await pickChoices(model, questions), [1, 0]);
  t.strictSame(prompts, ['first\n정답: ', 'second\n정답: ']);
});

t.test('a question that does not fit is left out; other errors are not', async (t) => {
  const failing = (code: 'LM_CONTEXT_EXCEEDED' | 'INTERNAL'): Pick<LanguageModel, 'score'> => ({
    score: () => Promise.reject(new HaetaeError(code, 'no')),
  });
  const questions: ChoiceQuestion[] = [{ stem: 's', choices: ['a', 'b'], answer: 0 }];
  t.strictSame(await pickChoices(failing('LM_CONTEXT_EXCEEDED'), questions), [null]);
  await t.rejects(pickChoices(failing('INTERNAL'), questions), { code: 'INTERNAL' });
});

t.test('agreement and accuracy count the questions that both models could hold', async (t) => {
  const questions = [0, 1, 0, 2].map((answer): ChoiceQuestion => ({ stem: '', choices: [], answer }));
  t.strictSame(compareChoices(questions, [0, 1, 1, null], [0, 2, 1, 2]), {
    questions: 3,
    agreement: 2 / 3,
    accuracy: [2 / 3, 1 / 3],
  });
  t.strictSame(compareChoices([], [], []), { questions: 0, agreement: 0, accuracy: [0, 0] });
});

t.test('questions are drawn by the seed from every file; open ones are passed over', async (t) => {
  const folder = t.testdir({
    'a.csv': csv(Array.from({ length: 20 }, (_, i) => `"질문 ${i}\n1 예\n2 아니오",${1 + (i % 2)}`)),
    'b.csv': csv(['"다른 질문\n1 가\n2 나\n3 다",3', '"열린 질문",설명']),
    'notes.txt': 'no questions',
  });
  const all = await sampleQuestions(folder, 100);
  t.equal(all.length, 21);
  t.strictSame(
    all.find(({ stem }) => stem === '다른 질문'),
    { stem: '다른 질문', choices: ['가', '나', '다'], answer: 2 },
  );
  const five = await sampleQuestions(folder, 5, 1);
  t.strictSame(await sampleQuestions(folder, 5, 1), five);
  t.notSame(await sampleQuestions(folder, 5, 2), five);
  t.equal(new Set(five.map(({ stem }) => stem)).size, 5);
});
