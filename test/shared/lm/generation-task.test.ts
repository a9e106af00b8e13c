import t from 'tap';
import { checkSampling } from '../../../shared/lm/check-request.js';
import { GenerationTask } from '../../../shared/lm/generation-task.js';
import type { GenerateEvent, SamplingOptions } from '../../../shared/lm/language-model.js';
import { SamplerScratch } from '../../../shared/lm/sampler-scratch.js';
import { byteTokenizer, endOfText } from '../../fixtures/byte-tokenizer.js';
import { FakeClock } from '../../fixtures/fake-clock.js';

const tokenizer = await byteTokenizer();
const vocabSize = 300;

function taskFor(options: SamplingOptions = {}, clock = new FakeClock()) {
  return new GenerationTask([1], checkSampling({ prompt: [1], temperature: 0, ...options }), {
    tokenizer,
    eosTokenIds: [endOfText],
    scratch: new SamplerScratch(vocabSize),
    clock,
    requestedAt: clock.now(),
  });
}

const certain = (id: number) => new Float32Array(vocabSize).fill(-1).fill(5, id, id + 1);

/** Plays tokens, as the model's own choice, until the generation ends. */
async function play(ids: readonly number[], options: SamplingOptions = {}): Promise<GenerateEvent[]> {
  const task = taskFor(options);
  for (const id of ids) {
    task.draw(certain(id));
    if (!(await task.deliver())) break;
  }
  const events: GenerateEvent[] = [];
  do events.push(await task.nextEvent());
  while (events.at(-1)!.type !== 'end');
  return events;
}

const bytes = (text: string) => [...Buffer.from(text, 'utf8')];
const outline = (events: GenerateEvent[]) =>
  events.map((event) =>
    event.type === 'token' ? event.text : [event.finishReason, event.stopText, event.text],
  );

t.test('tokens, then the end: by length or by an end-of-sequence token', async (t) => {
  t.strictSame(outline(await play(bytes('abcd'), { maxNewTokens: 3 })), [
    'a',
    'b',
    'c',
    ['length', null, 'abc'],
  ]);
  t.strictSame(outline(await play([0x61, endOfText])), ['a', ['stop', null, 'a']]);
  t.strictSame(outline(await play([endOfText])), [['stop', null, '']]);
});

t.test('text held back comes with the last token, whatever ends the output', async (t) => {
  const stop = ['bcx'];
  t.strictSame(outline(await play(bytes('abc'), { stop, maxNewTokens: 3 })), [
    'a',
    '',
    'bc',
    ['length', null, 'abc'],
  ]);
  t.strictSame(outline(await play([...bytes('abc'), endOfText], { stop })), [
    'a',
    '',
    'bc',
    ['stop', null, 'abc'],
  ]);
  t.strictSame(outline(await play(bytes('abcx'), { stop })), ['a', '', '', '', ['stop', 'bcx', 'a']]);
  t.strictSame(outline(await play(bytes('abcy'), { stop, maxNewTokens: 4 })).at(-2), 'bcy');
});

t.test('half a syllable at the end is dropped; a whole one comes in one piece', async (t) => {
  const half = [...bytes('가나').slice(0, -1), endOfText];
  t.strictSame(outline(await play(half)), ['', '', '가', '', '', ['stop', null, '가']]);
  t.strictSame(outline(await play(bytes('가'), { maxNewTokens: 3 })), ['', '', '가', ['length', null, '가']]);
});

t.test('a stop that ends inside a syllable of several tokens is found when the syllable is', async (t) => {
  t.strictSame(outline(await play(bytes('나가다'), { stop: ['가'] })), [
    '',
    '',
    '나',
    '',
    '',
    '',
    ['stop', '가', '나'],
  ]);
});

t.test('a replacement character that was really written may complete a stop at the end', async (t) => {
  const events = await play([...bytes('a\uFFFD'), endOfText], { stop: ['\uFFFD'] });
  t.strictSame(outline(events).at(-1), ['stop', '\uFFFD', 'a']);
});

t.test('counts and times are those of the clock', async (t) => {
  const clock = new FakeClock();
  const task = taskFor({ maxNewTokens: 2 }, clock);
  await clock.advance(5);
  task.startedAt = clock.now();
  task.cachedTokens = 1;
  await clock.advance(20);
  task.draw(certain(0x61));
  await task.deliver();
  await clock.advance(7);
  task.draw(certain(0x62));
  await task.deliver();
  t.match([await task.nextEvent(), await task.nextEvent(), await task.nextEvent()].at(-1), {
    usage: { promptTokens: 1, cachedTokens: 1, completionTokens: 2 },
    timings: { queueMs: 5, prefillMs: 20, decodeMs: 7, timeToFirstTokenMs: 25 },
  });
});

t.test('a failure is heard after the events before it', async (t) => {
  const task = taskFor();
  task.draw(certain(0x61));
  await task.deliver();
  task.fail(new Error('first'));
  task.fail(new Error('second'));
  t.match(await task.nextEvent(), { type: 'token', text: 'a' });
  await t.rejects(task.nextEvent(), { message: 'first' });
  const waiting = taskFor();
  const event = waiting.nextEvent();
  waiting.fail(new Error('while waiting'));
  await t.rejects(event, { message: 'while waiting' });
});
