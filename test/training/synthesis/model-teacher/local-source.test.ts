/** A model folder as a teacher: native, so all in one file. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { LocalTeacherConfig } from '../../../../training/pipeline/pipeline-config.js';
import { openModelTeacher } from '../../../../training/synthesis/model-teacher/open-model-teacher.js';
import { isRefusalOfPrompt } from '../../../../training/synthesis/model-teacher/refusal.js';
import { writeTinyCheckpoint } from '../../../fixtures/tiny-checkpoint.js';
import { questionOf } from './teacher-requests.js';

const { signal } = new AbortController();

async function setUp(t: Test, given: Partial<LocalTeacherConfig> = {}) {
  const folder = t.testdir({});
  const model = await writeTinyCheckpoint(join(folder, 'model'));
  const open = async (journal = 'replies.jsonl') => {
    const teacher = await openModelTeacher(
      { kind: 'local', model, contextLength: 128, slots: 3, ...given },
      { journal: join(folder, journal), threads: 1, log: () => {} },
    );
    t.teardown(() => teacher.close());
    return teacher;
  };
  return { folder, model, open };
}

const asks = Array.from({ length: 7 }, (_, i) => questionOf(i, i));

t.test('several at once are answered as one after the other', async (t) => {
  const { open } = await setUp(t);
  const together = await open();
  const texts = (await Promise.all(asks.map((request) => together.complete(request, signal)))).map(
    ({ text }) => text,
  );
  const alone = await open('others.jsonl');
  for (const [i, request] of asks.entries()) t.equal((await alone.complete(request, signal)).text, texts[i]);
  t.ok(new Set(texts).size > 5, 'they differ');
  t.match(together.usage(), {
    requests: 7,
    retries: 0,
    cost: 0,
    promptTokens: Number,
    completionTokens: Number,
  });
  t.ok(together.usage().completionTokens > 20);
});

t.test('what was answered is in the journal, until the model is another', async (t) => {
  const { model, open } = await setUp(t);
  const first = await open();
  const reply = await first.complete(questionOf(1), signal);
  await first.close();
  const again = await open();
  t.same(await again.complete(questionOf(1), signal), reply);
  t.match(again.usage(), { requests: 0, fromJournal: 1 });
  await again.close();
  await writeTinyCheckpoint(model, { seed: 2 });
  const other = await open();
  t.not((await other.complete(questionOf(1), signal)).text, reply.text);
  t.match(other.usage(), { requests: 1, fromJournal: 0 });
});

t.test('another seed is another answer, the same one the same', async (t) => {
  const { open } = await setUp(t);
  const [one, other] = [await open(), await open('others.jsonl')];
  const text = async (teacher: typeof one, seed: number) =>
    (await teacher.complete({ ...questionOf(1, seed), temperature: 1, topP: 1 }, signal)).text;
  t.not(await text(one, 1), await text(one, 2));
  t.equal(await text(one, 1), await text(other, 1));
});

t.test('the chat template writes the conversation; a model without one gets plain text', async (t) => {
  const { model, open } = await setUp(t);
  const templated = await open();
  const tokens = async (teacher: typeof templated) =>
    (await teacher.complete({ ...questionOf(1), maxNewTokens: 1 }, signal)).usage.promptTokens;
  const withTemplate = await tokens(templated);
  await templated.close();
  const path = join(model, 'tokenizer_config.json');
  const { chat_template: _, ...config } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify(config));
  const plain = await open();
  t.not(await tokens(plain), withTemplate);
});

t.test('a template without a place for a system message gets it before the first', async (t) => {
  const { model, open } = await setUp(t);
  const source =
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}[{{ m.content }}]{% endfor %}";
  await writeFile(join(model, 'chat_template.jinja'), source);
  const teacher = await open();
  const messages = [
    { role: 'system' as const, content: '가' },
    { role: 'user' as const, content: '나' },
  ];
  await t.resolves(teacher.complete({ ...questionOf(1), messages }, signal));
  const wrong = [messages[1]!, messages[0]!];
  const error: unknown = await teacher
    .complete({ ...questionOf(1), messages: wrong }, signal)
    .catch((error: unknown) => error);
  t.match(error, { code: 'TEACHER_REFUSED', message: /chat template.*no system/ });
  t.notOk(isRefusalOfPrompt(error));
});

t.test('a prompt that leaves no room is refused; one that leaves some is answered shorter', async (t) => {
  const { open } = await setUp(t);
  const teacher = await open();
  const long = { ...questionOf(1), messages: [{ role: 'user' as const, content: '금융 '.repeat(200) }] };
  const error: unknown = await teacher.complete(long, signal).catch((error: unknown) => error);
  t.match(error, { code: 'TEACHER_REFUSED', message: /takes 128/ });
  t.ok(isRefusalOfPrompt(error));
  t.equal(teacher.usage().refused, 1);
  const { usage } = await teacher.complete({ ...questionOf(1), maxNewTokens: 4096 }, signal);
  t.ok(usage.promptTokens + usage.completionTokens <= 128);
});

t.test('control tokens in what is asked are text', async (t) => {
  const { open } = await setUp(t);
  const teacher = await open();
  const tokens = async (content: string) =>
    (
      await teacher.complete(
        { ...questionOf(1), messages: [{ role: 'user', content }], maxNewTokens: 1 },
        signal,
      )
    ).usage.promptTokens;
  t.ok((await tokens('가<|im_end|>나')) > (await tokens('가나')) + 3);
});

t.test('an aborted request ends', async (t) => {
  const { open } = await setUp(t, { slots: 1 });
  const teacher = await open();
  const controller = new AbortController();
  const replies = asks.map((request) =>
    teacher.complete({ ...request, maxNewTokens: 90 }, controller.signal).catch((error: unknown) => error),
  );
  controller.abort(new Error('enough'));
  for (const reply of replies) t.match(await reply, { message: 'enough' });
  await t.resolves(teacher.complete(questionOf(9), signal));
});

t.test('a random model writes no question, which is counted', async (t) => {
  const { open } = await setUp(t, { contextLength: 256 });
  const teacher = await open();
  await t.rejects(
    teacher.judge.judge(
      {
        ...{ qaId: 'a', question: '가', answer: '나', negated: false, form: 'model', contextChunkIds: ['a'] },
        ...{ documentId: 'a', domain: 'law', difficultyLevel: 1 },
      },
      [],
      signal,
    ),
    { code: 'TEACHER_REFUSED', data: { ofPrompt: true } },
  );
});

t.test('a folder that is not there is named, and leaves no journal open', async (t) => {
  const { model, open } = await setUp(t);
  await rm(model, { recursive: true });
  await t.rejects(open(), { code: 'FILE_NOT_FOUND', message: /model folder .*model/ });
});
