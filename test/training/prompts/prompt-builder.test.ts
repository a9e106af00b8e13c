/**
 * What is trained is what is served, token by token: prompts of the builder, through the encoder of training, against
 * the token ids that reach the model when the API is asked the same question.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Orchestrator } from '../../../shared/answering/orchestrator.js';
import { StudentChoiceScorer } from '../../../shared/answering/student-choice-scorer.js';
import { StudentOpenAnswerer } from '../../../shared/answering/student-open-answerer.js';
import { StudentPace } from '../../../shared/answering/student-pace.js';
import { StudentPrompt } from '../../../shared/answering/student-prompt.js';
import type { StudentMode } from '../../../shared/answering/student-questions.js';
import { readBundle } from '../../../shared/bundle/bundle-store.js';
import { loadRuntime } from '../../../shared/bundle/load-runtime.js';
import { openChatTemplate, servedTemplateVariables } from '../../../shared/lm/chat-template-folder.js';
import { readControlTokens } from '../../../shared/lm/control-tokens.js';
import { readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import type { LanguageModel } from '../../../shared/lm/language-model.js';
import { openTokenizer } from '../../../shared/lm/tokenizer.js';
import { openDecoderEncoder } from '../../../training/data/decoder-encoder.js';
import type { TokenCorpus } from '../../../training/data/token-corpus.js';
import { tokenizeDocuments } from '../../../training/data/tokenize-documents.js';
import type { QaPair } from '../../../training/formats/qa-pair.js';
import { promptTasks, type TaskPrompt } from '../../../training/formats/task-prompt.js';
import { openPromptBuilder } from '../../../training/prompts/prompt-builder.js';
import { questionText } from '../../../training/prompts/question-text.js';
import { fakeLanguageModel } from '../../fixtures/fake-language-model.js';
import { negatedQuestion, openQuestion, smallQuestion } from '../../fixtures/small-questions.js';
import { addStudent, writeBaseBundle } from '../../fixtures/student-bundle.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

const folder = t.testdir({});
let modelsDir = '';
let runtime: Awaited<ReturnType<typeof loadRuntime>>;
t.before(async () => {
  modelsDir = await writeBaseBundle(folder);
  runtime = await loadRuntime({ modelsDir, threads: 1 });
});
t.teardown(() => runtime.close());

type Json = Record<string, unknown>;
type Change = (json: Json) => Json;

/** A tiny model whose tokenizer files are changed. */
async function writeModel(name: string, tokenizer: Change = (json) => json, config: Change = (json) => json) {
  const model = await writeTinyCheckpoint(join(folder, name), { config: { max_position_embeddings: 4096 } });
  for (const [file, change] of [
    ['tokenizer.json', tokenizer],
    ['tokenizer_config.json', config],
  ] as const) {
    const path = join(model, file);
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
  }
  return model;
}

const withoutTemplate: Change = ({ chat_template: _, ...rest }) => rest;
/** A word of the prompts is an added token: text of others and ours must not hold it. */
const withOddToken: Change = (json) => ({
  ...json,
  added_tokens: [
    ...(json.added_tokens as Json[]),
    { ...(json.added_tokens as Json[])[0], id: 500, content: '질문' },
  ],
});
/** As SentencePiece does: a text begins with a space. */
const withPrefixSpace: Change = (json) => ({
  ...json,
  pre_tokenizer: { ...(json.pre_tokenizer as Json), add_prefix_space: true },
});

interface Served {
  /** What the model was given, and what was scored behind it: [choices], of verify [true, false] for each. */
  score: { prompt: readonly number[]; continuations: readonly (readonly number[])[] }[];
  generate: (readonly number[])[];
}

/** Asks as the API does, with a model that only remembers what it was asked. */
async function serve(model: string, mode: StudentMode, qa: QaPair, contextLength: number): Promise<Served> {
  const { manifest } = await readBundle(modelsDir);
  const tokenizerPath = join(model, 'tokenizer.json');
  const served: Served = { score: [], generate: [] };
  const remembering: LanguageModel = {
    ...fakeLanguageModel({
      contextLength,
      tokenizer: await openTokenizer(tokenizerPath),
      chatTemplate: await openChatTemplate(model, { variables: servedTemplateVariables }),
    }),
    async score({ prompt, continuations }) {
      served.score.push({ prompt, continuations } as Served['score'][number]);
      return continuations.map((ids) => {
        const tokens = [...(ids as number[])];
        return { tokens, logprobs: tokens.map(() => -1), sum: -tokens.length };
      });
    },
    generate({ prompt }) {
      served.generate.push(prompt as number[]);
      return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('that is all')) }) };
    },
  };
  const prompt = new StudentPrompt(remembering, await readControlTokens(tokenizerPath));
  const parts = { model: remembering, prompt, passages: 2, pace: new StudentPace() };
  const { scorer, retriever } = runtime.parts;
  const openAnswerer = { answer: async () => ({ text: '', confidence: 0, supports: [] }) };
  const orchestrator = new Orchestrator({
    bundleId: 'test',
    retriever,
    choiceScorer: new StudentChoiceScorer({ ...parts, mode, temperature: 1, evidence: scorer }),
    openAnswerer: new StudentOpenAnswerer({ ...parts, evidence: openAnswerer }),
    evidencePassages: manifest.answering.evidencePassages,
  });
  await orchestrator.answer(questionText(qa));
  return served;
}

/** The prompts with their references as training reads pairs: a sequence for each, chosen first. */
async function train(
  model: string,
  prompts: readonly TaskPrompt[],
): Promise<{ corpus: TokenCorpus; turnEnd: number }> {
  const { vocabSize, eosTokenIds } = await readDecoderConfig(model);
  const encoder = await openDecoderEncoder(model, { vocabSize, eosTokenIds });
  const lines = prompts.map(({ promptId, messages, reference, documentId }) => {
    const chosen = [...messages, { role: 'assistant', content: reference }];
    return JSON.stringify({
      promptId,
      prompt: messages.at(-1)!.content,
      chosen,
      rejected: chosen,
      source: documentId,
    });
  });
  const path = join(model, 'pairs.jsonl');
  await writeFile(path, lines.join('\n'));
  const corpus = await tokenizeDocuments([path], encoder, {
    kind: 'pair',
    cacheFolder: join(model, 'cache'),
  });
  return { corpus, turnEnd: eosTokenIds[0]! };
}

const questions = [smallQuestion('positive'), negatedQuestion, openQuestion()];

for (const [name, tokenizer, config] of [
  ['template', undefined, undefined],
  ['plain', undefined, withoutTemplate],
  ['odd', withOddToken, undefined],
  ['odd-plain', withOddToken, withoutTemplate],
  ['prefix-space', withPrefixSpace, withoutTemplate],
] as const) {
  t.test(`${name}: prompt and answer are trained as they are served, token by token`, async (t) => {
    const model = await writeModel(name, tokenizer, config);
    // The narrow one cuts passages away.
    for (const contextLength of [4096, 700]) {
      const options = {
        bundleModelsDir: modelsDir,
        modelFolder: model,
        contextLength,
        passages: 2,
        prompts: 'ko-1' as const,
        threads: 1,
      };
      const builder = await openPromptBuilder(options);
      const prompts = (await Promise.all(questions.map((qa) => builder.build(qa, promptTasks)))).flat();
      await builder.close();
      t.equal(prompts.length, 2 * (1 + 1 + 4) + 1);
      const { corpus, turnEnd } = await train(model, prompts);
      const trained = prompts.map((_, i) => {
        const sequence = corpus.firstSequence(i);
        return { ids: [...corpus.sequence(sequence)], promptLength: corpus.promptLength(sequence) };
      });
      const expected: { promptId: string; prompt: readonly number[]; answer: readonly number[] }[] = [];
      for (const qa of questions) {
        if (!qa.choices) {
          const { generate } = await serve(model, 'label', qa, contextLength);
          expected.push({ promptId: `${qa.qaId}/open`, prompt: generate[0]!, answer: [] });
          continue;
        }
        const key = Number(qa.answer) - 1;
        for (const mode of ['label', 'continuation'] as const) {
          const [asked] = (await serve(model, mode, qa, contextLength)).score;
          const { prompt, continuations } = asked!;
          expected.push({ promptId: `${qa.qaId}/${mode}`, prompt, answer: continuations[key]! });
        }
        const [asked] = (await serve(model, 'verify', qa, contextLength)).score;
        const { prompt, continuations } = asked!;
        for (let choice = 0; choice < 4; choice++) {
          const isTrue = (choice === key) !== qa.negated;
          const [yes, no] = [continuations[2 * choice]!, continuations[2 * choice + 1]!];
          let shared = 0;
          while (yes[shared] === no[shared]) shared++;
          expected.push({
            promptId: `${qa.qaId}/verify/${choice + 1}`,
            prompt: [...prompt, ...yes.slice(0, shared)],
            answer: (isTrue ? yes : no).slice(shared),
          });
        }
      }
      for (const { promptId, prompt, answer } of expected) {
        const at = prompts.findIndex((built) => built.promptId === promptId);
        const { ids, promptLength } = trained[at]!;
        t.strictSame(ids.slice(0, prompt.length), prompt, `${promptId}: the prompt`);
        if (answer.length === 0) {
          t.equal(promptLength, prompt.length, `${promptId}: the answer begins where the prompt ends`);
          continue;
        }
        t.strictSame(ids.slice(prompt.length), [...answer, turnEnd], `${promptId}: the answer`);
      }
    }
  });
}

t.test('of a negated stem all choices but the key are true of what it asks about', async (t) => {
  const modelFolder = await writeModel('verify');
  const options = {
    bundleModelsDir: modelsDir,
    modelFolder,
    contextLength: 4096,
    passages: 1,
    threads: 1,
    prompts: 'ko-1' as const,
  };
  const builder = await openPromptBuilder(options);
  t.teardown(() => builder.close());
  const verdicts = async (qa: QaPair) =>
    (await builder.build(qa, ['verify'])).map(({ reference }) => reference).join('');
  t.equal(await verdicts(questions[0]!), 'XOXX');
  t.equal(await verdicts(negatedQuestion), 'OOXO');
  const [prompt] = await builder.build(negatedQuestion, ['verify']);
  t.match(prompt!.formatPrompt, /<질문>\n방화벽\n<\/질문>\n\n<진술>\n허용하지 않은 접속을 차단한다/);
  t.equal(await verdicts({ ...negatedQuestion, negated: false }), '', 'the API would read it otherwise');
  t.strictSame(builder.leftOut, { misread: 0, negation: 4, tooLong: 0 });
});

t.test(
  'tasks that do not fit the question, and prompts that do not fit the context, are left out',
  async (t) => {
    const modelFolder = await writeModel('narrow');
    const builder = await openPromptBuilder({
      ...{
        bundleModelsDir: modelsDir,
        modelFolder,
        contextLength: 200,
        passages: 1,
        threads: 1,
        prompts: 'ko-1' as const,
      },
    });
    t.teardown(() => builder.close());
    t.strictSame(await builder.build(questions[0]!, ['open']), []);
    t.strictSame(await builder.build(openQuestion(), ['label', 'continuation', 'verify']), []);
    t.strictSame(await builder.build(questions[0]!, ['label', 'verify']), []);
    t.strictSame(builder.leftOut, { misread: 0, negation: 0, tooLong: 5 });
    const listed = smallQuestion('listed', { choices: ['다', '마\n3 바'], answer: '1' });
    t.strictSame(await builder.build(listed, ['label']), []);
    t.equal(builder.leftOut.misread, 1);
    await t.rejects(builder.build(smallQuestion('wrong', { answer: '5' }), ['label']), {
      code: 'TRAINING_DATA_INVALID',
      message: /wrong has 4 choices and the answer '5'/,
    });
  },
);

t.test('a bundle with a student is asked the same', async (t) => {
  const modelFolder = await writeModel('same');
  const options = {
    bundleModelsDir: modelsDir,
    modelFolder,
    contextLength: 2048,
    passages: 2,
    threads: 1,
    prompts: 'ko-1' as const,
  };
  const alone = await openPromptBuilder(options);
  const before = await alone.build(questions[0]!, ['label']);
  await alone.close();
  await addStudent(modelsDir, 'with-student');
  const beside = await openPromptBuilder(options);
  t.strictSame(await beside.build(questions[0]!, ['label']), before);
  await beside.close();
});
