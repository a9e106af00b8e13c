import t from 'tap';
import { readChatReply, saidIn } from '../../../../training/synthesis/model-teacher/chat-reply.js';

const body = (choice: unknown, usage?: unknown) => JSON.stringify({ choices: [choice], usage });
const said = (content: unknown, more = {}) => ({ message: { content, ...more }, finish_reason: 'stop' });

t.test('reads text, end and usage', async (t) => {
  const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };
  t.same(readChatReply(body(said('답'), usage)), {
    text: '답',
    finishReason: 'stop',
    usage: { promptTokens: 12, completionTokens: 3 },
  });
  t.match(readChatReply(body({ message: { content: '끊' }, finish_reason: 'length' })), {
    finishReason: 'length',
  });
  t.match(readChatReply(body({ message: { content: '답' }, finish_reason: null })), { finishReason: 'stop' });
});

t.test('reads content in parts, and none', async (t) => {
  const parts = [{ type: 'text', text: '가' }, { type: 'image' }, { type: 'text', text: '나' }];
  t.match(readChatReply(body(said(parts))), { text: '가나' });
  t.match(readChatReply(body(said(null, { reasoning_content: '음…' }))), { text: '' });
});

t.test('a refusal is no reply, in whichever way it is given', async (t) => {
  t.match(readChatReply(body({ message: { content: null }, finish_reason: 'content_filter' })), {
    finishReason: 'refused',
  });
  t.match(readChatReply(body(said(null, { refusal: '못 합니다' }))), {
    finishReason: 'refused',
    text: '못 합니다',
  });
  t.match(readChatReply(body(said('답', { refusal: null }))), { finishReason: 'stop' });
});

t.test('usage that makes no sense is none', async (t) => {
  for (const usage of [
    undefined,
    null,
    'many',
    {},
    { prompt_tokens: -1, completion_tokens: 3 },
    { prompt_tokens: 1.5, completion_tokens: 3 },
    { prompt_tokens: '12', completion_tokens: 3 },
    { prompt_tokens: 1e300, completion_tokens: 3 },
    { prompt_tokens: 12 },
  ]) {
    t.match(readChatReply(body(said('답'), usage)), { usage: null }, JSON.stringify(usage));
  }
});

const broken: [body: string, problem: RegExp][] = [
  ['', /empty body/],
  ['{"choices": [', /not JSON/],
  ['<html><body><h1>502 Bad Gateway</h1></body></html>', /not JSON: 502 Bad Gateway$/],
  ['[]', /no JSON object/],
  ['null', /no JSON object/],
  ['{}', /without a choice/],
  ['{"choices": []}', /without a choice/],
  ['{"choices": {}}', /without a choice/],
  ['{"choices": [null]}', /without a choice/],
  ['{"choices": [{"message": "답"}]}', /without a choice/],
  ['{"error": {"message": "provider is down", "code": 502}}', /an error: provider is down/],
  ['{"choices": [{"message": {"content": 3}}]}', /no text/],
];
for (const [text, problem] of broken) {
  t.test(`says what is wrong with ${text.slice(0, 40)}`, async (t) => {
    t.match(readChatReply(text), problem);
  });
}

t.test('what a server says is found, put on one line, and cut', async (t) => {
  t.equal(saidIn('{"error": {"message": "no\\nsuch  model"}}'), 'no such model');
  t.equal(saidIn('{"detail": [{"loc": ["body"], "msg": "field required"}]}'), 'field required');
  t.equal(saidIn('{"message": "no"}'), 'no');
  t.equal(saidIn('<p>Not <b>here</b><script>alert(1)</script></p>'), 'Not here');
  t.equal(saidIn('plain\u0007 text'), 'plain text');
  t.equal(saidIn('x'.repeat(100_000)).length, 301);
});
