/** Choice scores of a tiny random checkpoint against the slow way: one whole forward pass for each choice. */
import t from 'tap';
import type { AnsweringContext } from '../../../shared/answering/choice-scorer.js';
import { StudentChoiceScorer, sharedPrefix } from '../../../shared/answering/student-choice-scorer.js';
import { StudentPace } from '../../../shared/answering/student-pace.js';
import { StudentPrompt } from '../../../shared/answering/student-prompt.js';
import { labelsOf, type StudentMode } from '../../../shared/answering/student-questions.js';
import type { Decoder } from '../../../shared/lm/decoder.js';
import { openDecoder } from '../../../shared/lm/open-decoder.js';
import { type OpenedLanguageModel, openLanguageModel } from '../../../shared/lm/open-language-model.js';
import { classify } from '../../../shared/question/classify.js';
import type { Passage } from '../../../shared/retrieval/retriever.js';
import { smallChunk } from '../../fixtures/small-search.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

const folder = t.testdir({});
let model: OpenedLanguageModel;
let decoder: Decoder;

t.before(async () => {
  await writeTinyCheckpoint(folder, { config: { max_position_embeddings: 2048 } });
  model = await openLanguageModel(folder, { threads: 1 });
  decoder = await openDecoder(folder, { threads: 1 });
});

t.teardown(async () => {
  await model.close();
  await decoder.close();
});

const passages = ['백업은 매일 한다.', '접속기록은 일 년 이상 보관한다.'].map(
  (content, row): Passage => ({
    rank: row + 1,
    row,
    chunk: smallChunk(`c${row}`, content),
    scores: { bm25: 1, faiss: 0.5, citation: 0, fused: 0.5, rerank: null },
  }),
);
const question =
  '백업에 대한 설명으로 옳은 것은?\n1. 매일 한다.\n2. 하지 않는다\n3. 해마다 한 번 하면 된다.\n4. ok';
const evidence = {
  evidence: async () => ({ support: [0.1, 0.2, 0.3, 0.4], cite: (picked: number) => [support(picked)] }),
};
const support = (picked: number) => ({
  passage: passages[0] as Passage,
  evidence: `${picked}`,
  strength: 1,
});

function scorerOf(mode: StudentMode, temperature = 1): StudentChoiceScorer {
  const prompt = new StudentPrompt(model, model.controls);
  return new StudentChoiceScorer({
    model,
    prompt,
    mode,
    temperature,
    passages: 2,
    evidence,
    pace: new StudentPace(),
  });
}

const contextOf = (text: string): AnsweringContext => ({ classification: classify(text), passages });
const plain = { addSpecialTokens: false };

/** Σ log P of a continuation's tokens, by one pass over prompt and continuation, without any cache. */
async function naive(prompt: readonly number[], continuation: readonly number[]): Promise<number> {
  const cache = decoder.createCache(1, prompt.length + continuation.length);
  const { logprobs } = await decoder.step({
    cache,
    rows: [{ slot: 0, tokens: [...prompt, ...continuation.slice(0, -1)] }],
    wanted: continuation.map((_, i) => [0, prompt.length - 1 + i] as const),
    targets: continuation,
  });
  return logprobs.reduce((sum, value) => sum + value, 0);
}

/** What the modes are defined as, computed the slow way from the prompts' texts. */
async function naiveUtilities(mode: StudentMode, context: AnsweringContext): Promise<number[]> {
  const { stem, choices, negated } = context.classification;
  const prompt = new StudentPrompt(model, model.controls);
  const chunks = passages.map(({ chunk }) => chunk);
  const budget = { reserveTokens: 1 };
  const encode = (text: string): Promise<number[]> => model.tokenizer.encode(text, plain);
  const values: number[] = [];
  if (mode === 'label') {
    const { ids } = await prompt.label(stem, choices, chunks, budget);
    for (const { number } of choices) values.push(await naive(ids, await encode(String(number))));
  } else if (mode === 'continuation') {
    const { ids } = await prompt.continuation(stem, chunks, budget);
    for (const { text } of choices) {
      const tokens = await encode(text);
      values.push((await naive(ids, tokens)) / tokens.length);
    }
  } else {
    for (const { ids } of await prompt.verify(stem, choices, chunks, budget)) {
      const odds = (await naive(ids, await encode('O'))) - (await naive(ids, await encode('X')));
      values.push(negated ? -odds : odds);
    }
  }
  return values;
}

const negatedQuestion = question.replace('옳은', '옳지 않은');

for (const mode of ['label', 'continuation', 'verify'] as const) {
  t.test(`${mode}: scores are those of one forward pass for each choice, to 1e-4`, async (t) => {
    for (const text of [question, negatedQuestion]) {
      const context = contextOf(text);
      const expected = await naiveUtilities(mode, context);
      const { values, truth, usage } = await scorerOf(mode).utilities(context);
      t.equal(values.length, 4);
      t.ok(new Set(expected.map((value) => value.toFixed(4))).size > 1, 'the choices differ');
      for (const [i, value] of values.entries()) {
        t.ok(Math.abs(value - (expected[i] as number)) < 1e-4, `${value} against ${expected[i]}`);
      }
      t.equal(truth === null, mode !== 'verify');
      t.ok(usage.promptTokens > 100 && usage.completionTokens >= 4);
    }
  });
}

t.test('a negated stem asks for the least true statement', async (t) => {
  const positive = await scorerOf('verify').utilities(contextOf(question));
  const negated = await scorerOf('verify').utilities(contextOf(negatedQuestion));
  const byTruth = (values: number[] | null) => values?.indexOf(Math.max(...values));
  t.equal(byTruth(positive.values), byTruth(positive.truth));
  const least = negated.truth?.indexOf(Math.min(...negated.truth));
  t.equal(byTruth(negated.values), least);
});

t.test('probabilities are the softmax at the temperature; the evidence is that of the pick', async (t) => {
  const context = contextOf(question);
  const { values } = await scorerOf('label').utilities(context);
  const { choices, supports, usage } = await scorerOf('label', 2).score(context);
  const powers = values.map((value) => Math.exp(value / 2));
  const total = powers.reduce((a, b) => a + b, 0);
  for (const [i, { probability, number, support }] of choices.entries()) {
    t.ok(Math.abs(probability - (powers[i] as number) / total) < 1e-6);
    t.equal(number, i + 1);
    t.equal(support, (i + 1) / 10, 'as the evidence has it');
  }
  t.strictSame(supports, [support(values.indexOf(Math.max(...values)))]);
  t.ok((usage?.promptTokens ?? 0) > 0);
  const verified = await scorerOf('verify').score(context);
  const { truth } = await scorerOf('verify').utilities(context);
  t.strictSame(
    verified.choices.map((choice) => choice.support.toFixed(5)),
    truth?.map((p) => p.toFixed(5)),
  );
});

t.test('the prompt is computed once: a second question finds the system prompt in the cache', async (t) => {
  const scorer = scorerOf('label');
  await scorer.score(contextOf(question));
  const { usage } = await scorer.score(contextOf(negatedQuestion));
  t.ok((usage?.cachedTokens ?? 0) >= 64, `${usage?.cachedTokens} of ${usage?.promptTokens} tokens`);
});

t.test('the caller’s signal ends the scoring', async (t) => {
  const reason = new Error('went');
  const context = { ...contextOf(question), signal: AbortSignal.abort(reason) };
  await t.rejects(scorerOf('label').score(context), reason);
});

t.test('ten choices have labels of which none begins another', async (t) => {
  t.strictSame(labelsOf([1, 2, 3]), ['1', '2', '3']);
  const labels = labelsOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.equal(labels[9], '10번');
  t.notOk(labels.some((label, i) => labels.some((other, j) => i !== j && other.startsWith(label))));
});

t.test('what prompts share is found, whatever they are', async (t) => {
  t.equal(
    sharedPrefix([
      [1, 2, 3],
      [1, 2, 4],
      [1, 2],
    ]),
    2,
  );
  t.equal(sharedPrefix([[1, 2, 3]]), 3);
  t.equal(sharedPrefix([[1], [2]]), 0);
});

t.test('ko-2: a verdict and the likelihood of the statement come from one pass', async (t) => {
  const prompt = new StudentPrompt(model, model.controls, 'ko-2');
  const scorer = new StudentChoiceScorer({
    ...{ model, prompt, mode: 'verify', temperature: 1, passages: 2, pace: new StudentPace() },
    evidence: {
      ...evidence,
      excerpts: async () => [{ title: '안내서', section: '백업', content: '백업은 매일 한다.' }],
    },
  });
  const context = contextOf(question);
  const { statements } = await scorer.utilities(context);
  const { stem, choices } = context.classification;
  const shown = [{ title: '안내서', section: '백업', content: '백업은 매일 한다.' }];
  const prompts = await prompt.verify(stem, choices, shown, { reserveTokens: 1 });
  const encode = (text: string): Promise<number[]> => model.tokenizer.encode(text, plain);
  const shared = sharedPrefix(prompts.map(({ ids }) => ids));
  const tail = sharedPrefix(prompts.map(({ ids }) => [...ids].reverse()));
  for (const [i, { ids, text }] of prompts.entries()) {
    t.match(text, /<자료> 안내서 백업\n백업은 매일 한다\.\n<질문> /);
    t.match(text, /\n<판정>/);
    const odds = (await naive(ids, await encode('O'))) - (await naive(ids, await encode('X')));
    t.ok(Math.abs(statements![i]!.verdict - odds) < 1e-4);
    const own = ids.slice(shared, Math.max(shared + 1, ids.length - tail));
    const logprob = (await naive(ids.slice(0, shared), own)) / own.length;
    t.ok(Math.abs(statements![i]!.logprob - logprob) < 1e-4, `${statements![i]!.logprob} and ${logprob}`);
  }
});
