import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../../../shared/clock.js';
import {
  costOf,
  JournaledCompletions,
  openReplyJournal,
} from '../../../../training/synthesis/model-teacher/journaled-completions.js';
import type { CompletionSource, Reply } from '../../../../training/synthesis/model-teacher/model-teacher.js';
import { questionOf } from './teacher-requests.js';

const { signal } = new AbortController();
const reply: Reply = {
  ...{ text: '답', finishReason: 'stop', promptTokens: 3, completionTokens: 1, estimated: false, cost: 0.5 },
};

function sourceOf(given: () => Promise<Reply>): CompletionSource & { closed: boolean } {
  return {
    ...{ model: 'big', identity: 'big', closed: false, reply: given },
    counts: () => ({ requests: 0, retries: 0, cost: 0 }),
    async close() {
      this.closed = true;
    },
  };
}

t.test('a reply that comes while the teacher closes is written down', async (t) => {
  const path = join(t.testdir({}), 'replies.jsonl');
  let arrive = (_: Reply) => {};
  const source = sourceOf(
    () =>
      new Promise((resolve) => {
        arrive = resolve;
      }),
  );
  const completions = new JournaledCompletions(source, await openReplyJournal(path), systemClock);
  const completion = completions.complete(questionOf(1), signal).catch((error: unknown) => error);
  await new Promise(setImmediate);
  const closed = completions.close();
  t.match(await completion, { code: 'CANCELLED' });
  t.notOk(source.closed, 'it waits for what is under way');
  arrive(reply);
  await closed;
  t.ok(source.closed);
  t.match(await readFile(path, 'utf8'), /"text":"답"/);
  t.equal(costOf(await openReplyJournal(path)), 0.5);
});

t.test('what failed is not written down, and asked for again', async (t) => {
  const path = join(t.testdir({}), 'replies.jsonl');
  let calls = 0;
  const source = sourceOf(async () => {
    calls += 1;
    if (calls === 1) throw new Error('down');
    return reply;
  });
  const completions = new JournaledCompletions(source, await openReplyJournal(path), systemClock);
  await t.rejects(completions.complete(questionOf(1), signal), { message: 'down' });
  t.equal(await readFile(path, 'utf8'), '');
  t.match(await completions.complete(questionOf(1), signal), { text: '답' });
  await completions.close();
  t.match(completions.counts(), { promptTokens: 3, completionTokens: 1, fromJournal: 0 });
});
