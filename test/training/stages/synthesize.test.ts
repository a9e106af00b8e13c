/** The stage with the teachers it opens itself: a server that is fake, and the statute teacher. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentProgress } from '../../../shared/progress.js';
import { formatChunks } from '../../../shared/retrieval/chunk-file.js';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { readAllJsonLines } from '../../../training/formats/json-lines.js';
import { QaPair } from '../../../training/formats/qa-pair.js';
import { pipelinePlace, stagePlace } from '../../../training/pipeline/pipeline-place.js';
import { parsePipelineConfig } from '../../../training/pipeline/read-pipeline-config.js';
import type { StageContext } from '../../../training/pipeline/stage-definition.js';
import { synthesize } from '../../../training/stages/synthesize.js';
import { type FakeChatRequest, startFakeOpenAi } from '../../fixtures/fake-openai-server.js';
import { ruledCorpus } from '../../fixtures/ruled-corpus.js';
import { smallChunk } from '../../fixtures/small-search.js';

interface Place {
  chunks?: readonly Chunk[];
  signal?: AbortSignal;
}

/** An output folder where the corpus is prepared. */
async function contextOf(
  t: Test,
  section: object,
  { chunks = ruledCorpus(6, 10), signal = new AbortController().signal }: Place = {},
): Promise<StageContext> {
  const out = t.testdir({ work: { prepare: { 'chunks.jsonl': formatChunks(chunks) }, synthesize: {} } });
  const measured = join(out, 'test.csv');
  await writeFile(measured, 'ID,Question\nT_1,"방화벽의 역할을 서술하시오."\n');
  const config = parsePipelineConfig(
    {
      name: 'test',
      student: { from: 'student' },
      distill: { teacher: 'teacher' },
      synthesize: { decontaminate: { files: [measured] }, ...section },
    },
    'test',
  );
  return {
    ...stagePlace(
      pipelinePlace(out, config),
      config,
      { id: 'synthesize', definition: synthesize, iteration: 1 },
      null,
    ),
    ...{ threads: 1, env: {}, signal, log: () => {}, now: () => new Date(0) },
    progress: () => silentProgress,
  };
}

const questionsOf = ({ folder }: StageContext) => readFile(join(folder, 'qa.jsonl'), 'utf8');

/** What a good model says: a question of the statements in the prompt, or good marks. */
function reply({ messages }: FakeChatRequest): string {
  const prompt = messages.at(-1)?.content ?? '';
  if (prompt.includes('"grounding"'))
    return '{"grounding": 9, "key": 9, "leakage": 9, "distractors": 9, "reasons": []}';
  const [, title = '', section = ''] = /발췌문: (제\d+호 감독지침) (제\d+조)/u.exec(prompt) ?? [];
  const statements = prompt.match(/^.*일 이내에.*한다\.$/gmu) ?? [];
  const explanation = statements[0];
  if (prompt.includes('서술형')) {
    const question = `「${title}」 ${section}에서 정한 의무를 설명하시오.`;
    return JSON.stringify({ question, answer: statements[0], explanation, difficulty: 2 });
  }
  const count = prompt.includes('5지선다형') ? 5 : 4;
  const position = Number(/정답은 (\d)번/u.exec(prompt)?.[1]);
  const negated = prompt.includes('틀린 것을 묻는다');
  const choices = Array.from({ length: count }, (_, i) =>
    (i === position - 1) === negated ? statements[i]?.replace(/\d+일/u, '300일') : statements[i],
  );
  const question = `「${title}」 ${section}에 관한 설명으로 ${negated ? '옳지 않은' : '옳은'} 것은?`;
  return JSON.stringify({ question, choices, answer: position, explanation, difficulty: 3 });
}

t.test('a model writes and judges, and an interruption costs no paid reply', async (t) => {
  const server = await startFakeOpenAi({ respond: reply });
  t.teardown(() => server.close());
  const teacher = { kind: 'openai', baseUrl: server.baseUrl, model: 'teacher', concurrency: 4 };
  const whole = await contextOf(t, { questions: 40, teacher });
  const summary = await synthesize.run(whole);
  t.match(summary.figures, { kept: 40, train: 20, calibration: 10, validation: 10 });
  t.match(summary.details, {
    counts: { form: { model: 40 } },
    scores: { mean: 9 },
    teacher: { name: 'teacher', calls: server.requests.length },
  });
  const qa = await readAllJsonLines(join(whole.folder, 'qa.jsonl'), QaPair);
  t.ok(
    qa.every(
      ({ teacherModel, overallQualityScore }) => teacherModel === 'teacher' && overallQualityScore === 9,
    ),
  );

  const expected = await questionsOf(whole);
  const calls = server.requests.length;
  const controller = new AbortController();
  const stopped = await contextOf(t, { questions: 40, teacher }, { signal: controller.signal });
  const run = synthesize.run(stopped);
  await Promise.all([
    t.rejects(run, { message: 'asked to stop' }),
    server.received(calls + 25).then(() => controller.abort(new Error('asked to stop'))),
  ]);
  await synthesize.run({ ...stopped, signal: new AbortController().signal });
  t.equal(await questionsOf(stopped), expected);
  t.ok(server.requests.length <= 2 * calls + 4, 'at most what was under way is asked for again');
  const before = server.requests.length;
  await synthesize.run({ ...stopped, signal: new AbortController().signal });
  t.equal(server.requests.length, before);
});

t.test('the statute teacher needs no model', async (t) => {
  const chunks = Array.from({ length: 8 }, (_, i) => article(i));
  const context = await contextOf(t, { questions: 12, openShare: 0 }, { chunks });
  const summary = await synthesize.run(context);
  t.match(summary.details, { teacher: { name: 'statute', calls: 0 } });
  const qa = await readAllJsonLines(join(context.folder, 'qa.jsonl'), QaPair);
  t.ok(qa.length > 0);
  t.ok(qa.every(({ choices, answer }) => choices?.[Number(answer) - 1] !== undefined));
});

t.test('the plan knows what decides the result, and what does not', async (t) => {
  const openai = { kind: 'openai', baseUrl: 'http://127.0.0.1:9/v1', model: 'm' };
  const options = async (teacher: object) => synthesize.options(await contextOf(t, { teacher }));
  t.same(
    await options({ ...openai, concurrency: 1, retries: 0 }),
    await options({ ...openai, concurrency: 64 }),
  );
  t.notSame(await options(openai), await options({ ...openai, model: 'other' }));
  t.notSame(await options(openai), await options({ kind: 'statute' }));
  const local = await contextOf(t, { teacher: { kind: 'local', model: 'folder' } });
  t.same(await synthesize.inputs(local), [
    join(local.folderOf('prepare'), 'chunks.jsonl'),
    ...local.config.synthesize.decontaminate.files,
    'folder',
  ]);
  t.match(await synthesize.estimate(local), {
    seconds: null,
    facts: [
      ['questions', '2000'],
      ['teacher', 'folder'],
    ],
  });
  t.match(await synthesize.estimate(await contextOf(t, {})), {
    seconds: Number,
    facts: [[], ['teacher', 'statute']],
  });
  t.equal(synthesize.isWanted(local.config), true);
  for (const folder of synthesize.code.folders) {
    t.ok(existsSync(new URL(`../../../training/stages/${folder}`, import.meta.url)), folder);
  }
});

/** An article with duties, numbers and a list. */
function article(i: number): Chunk {
  const agency = ['금융위원회', '금융감독원장', '보호위원회', '과학기술정보통신부장관'][i % 4] as string;
  const who = ['금융회사', '전자금융업자', '신용정보회사', '개인정보처리자'][(i >> 1) % 4] as string;
  const content = [
    `제${i + 3}조(안전성의 확보)`,
    `① ${who}는 침해사고가 발생한 사실을 알게 된 때에는 ${i + 2}일 이내에 ${agency}에 신고하여야 한다.`,
    `② ${who}는 전산실에 출입하는 사람의 명단을 ${i + 3}년간 보존하여야 한다.`,
    `③ ${agency}는 필요한 경우 ${who}에 대하여 자료의 제출을 요구할 수 있다.`,
    `④ ${who}는 이용자의 동의를 받지 아니하고 접속기록을 제3자에게 제공하여서는 아니 된다.`,
    `⑤ ${who}는 매년 ${i + 1}회 이상 취약점을 분석하고 그 결과를 ${agency}에 제출하여야 한다.`,
  ].join('\n');
  return smallChunk(`act-${i}#${i + 3}`, content, {
    ...{ title: `전자거래 제${i}법`, source: `act-${i}.md`, section: `제${i + 3}조` },
    ...{ heading: '안전성의 확보', kind: 'article', domain: 'law' },
  });
}
