import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Journal } from '../../../training/formats/json-lines.js';
import { Response } from '../../../training/formats/response.js';
import { inOrderOf, type Responder, respondToAll } from '../../../training/prompts/respond-to-all.js';
import { smallPrompt } from '../../fixtures/small-questions.js';

const prompts = Array.from({ length: 20 }, (_, i) => smallPrompt(`q${i}/label`));
const open = (path: string) => Journal.open(path, Response, ({ promptId }) => promptId);
const never = new AbortController().signal;

/** Answers late prompts first; `more` may fail. */
function responder(more: (promptId: string) => void = () => {}) {
  const asked: string[] = [];
  let atWork = 0;
  let most = 0;
  const model: Responder = {
    model: 'fake',
    atOnce: 4,
    async respond({ promptId }, signal) {
      asked.push(promptId);
      most = Math.max(most, ++atWork);
      for (let turn = asked.length % 4; turn < 4; turn++) await new Promise(setImmediate);
      atWork -= 1;
      signal.throwIfAborted();
      more(promptId);
      return promptId === 'q7/label' ? null : { text: `to ${promptId}`, finishReason: 'stop' };
    },
    close: async () => {},
  };
  return { model, asked, most: () => most };
}

t.test(
  'each prompt is asked once, several at once, and the responses stand in the order of the prompts',
  async (t) => {
    const journal = await open(join(t.testdir({}), 'journal.jsonl'));
    const { model, asked, most } = responder();
    let ticks = 0;
    await respondToAll(prompts, model, journal, { signal: never, tick: () => ticks++ });
    t.equal(ticks, 20);
    t.equal(most(), 4);
    t.equal(new Set(asked).size, 20);
    const responses = inOrderOf(prompts, journal);
    t.strictSame(
      responses.map(({ promptId }) => promptId),
      prompts.map(({ promptId }) => promptId).filter((id) => id !== 'q7/label'),
      'but for the one that it would not answer',
    );
    t.notSame(
      journal.records().map(({ promptId }) => promptId),
      responses.map(({ promptId }) => promptId),
      'they came in another order',
    );
    t.match(responses[0], {
      prompt: '질문',
      formatPrompt: '질문',
      generatedText: 'to q0/label',
      model: 'fake',
    });
    await journal.close();
  },
);

t.test('what has come before a failure is kept, and only the rest is asked again', async (t) => {
  const path = join(t.testdir({}), 'journal.jsonl');
  const broken = await open(path);
  const fail = responder((id) => {
    if (id === 'q9/label') throw new Error('the server is gone');
  });
  await t.rejects(
    respondToAll(prompts, fail.model, broken, { signal: never, tick: () => {} }),
    /server is gone/,
  );
  await broken.close();
  const before = (await readFile(path, 'utf8')).split('\n').length - 1;
  t.ok(before >= 5 && before < 15, String(before));
  const journal = await open(path);
  const again = responder();
  await respondToAll(prompts, again.model, journal, { signal: never, tick: () => {} });
  t.equal(again.asked.length, 20 - before);
  const undisturbed = await open(join(t.testdir({}), 'other.jsonl'));
  await respondToAll(prompts, responder().model, undisturbed, { signal: never, tick: () => {} });
  t.strictSame(inOrderOf(prompts, journal), inOrderOf(prompts, undisturbed));
  await journal.close();
  await undisturbed.close();
});

t.test('it stops where it is asked to, with the reason', async (t) => {
  const journal = await open(join(t.testdir({}), 'journal.jsonl'));
  const stop = new AbortController();
  const { model, asked } = responder((id) => {
    if (id === 'q5/label') stop.abort(new Error('asked to stop'));
  });
  await t.rejects(
    respondToAll(prompts, model, journal, { signal: stop.signal, tick: () => {} }),
    /asked to stop/,
  );
  t.ok(asked.length < 12);
  await journal.close();
});

t.test('a response to other words is asked for again', async (t) => {
  const journal = await open(join(t.testdir({}), 'journal.jsonl'));
  const [prompt] = prompts;
  await respondToAll([{ ...prompt!, formatPrompt: 'older words' }], responder().model, journal, {
    ...{ signal: never, tick: () => {} },
  });
  t.strictSame(inOrderOf([prompt!], journal), []);
  const { model, asked } = responder();
  await respondToAll([prompt!], model, journal, { signal: never, tick: () => {} });
  t.strictSame(asked, ['q0/label']);
  t.equal(inOrderOf([prompt!], journal).length, 1);
  await journal.close();
});
