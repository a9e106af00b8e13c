/** Requests under `/v1` that no client library sends: each is refused by name, none is a failure of the server. */
import t, { type Test } from 'tap';
import { buildApp } from '../../../api/app.js';
import { readConfig } from '../../../api/config.js';
import type { ChatRequest } from '../../../shared/bundle/runtime.js';
import { StubEngine } from '../../fixtures/stub-engine.js';

async function start(t: Test) {
  const engine = new StubEngine();
  const asked: ChatRequest[] = [];
  const { onChat } = engine;
  engine.onChat = (request, signal) => {
    asked.push(request);
    return onChat(request, signal);
  };
  const app = await buildApp({ config: readConfig({}), engine });
  t.teardown(() => app.close());
  const post = (path: string, payload: object | string | Buffer, type = 'application/json') =>
    app.inject({ method: 'POST', url: `/v1${path}`, payload, headers: { 'content-type': type } });
  return { app, engine, asked, post };
}

const chat = (more: object = {}) => ({
  model: 'haetae',
  messages: [{ role: 'user', content: 'x' }],
  ...more,
});
const says = (content: unknown, more: object = {}) =>
  chat({ messages: [{ role: 'user', content, ...more }] });

t.test('a chat that does not fit is refused by the field that does not', async (t) => {
  const { post, asked } = await start(t);
  const table: [object | string, string | null, string][] = [
    ['null', null, 'invalid_value'],
    ['[]', null, 'invalid_value'],
    ['"x"', null, 'invalid_value'],
    ['{}', 'model', 'missing_required_parameter'],
    [{ model: 'haetae' }, 'messages', 'missing_required_parameter'],
    [chat({ model: 1 }), 'model', 'invalid_value'],
    [chat({ model: null }), 'model', 'missing_required_parameter'],
    [chat({ messages: [] }), 'messages', 'invalid_value'],
    [chat({ messages: 'x' }), 'messages', 'invalid_value'],
    [chat({ messages: { length: 1 } }), 'messages', 'invalid_value'],
    [chat({ messages: Array(1001).fill({ role: 'user', content: 'x' }) }), 'messages', 'invalid_value'],
    [chat({ messages: [null] }), 'messages[0]', 'invalid_value'],
    [chat({ messages: [[]] }), 'messages[0]', 'invalid_value'],
    [chat({ messages: [{ content: 'x' }] }), 'messages[0].role', 'invalid_value'],
    [chat({ messages: [{ role: 'tool', content: 'x' }] }), 'messages[0].role', 'invalid_value'],
    [chat({ messages: [{ role: 'constructor', content: 'x' }] }), 'messages[0].role', 'invalid_value'],
    [chat({ messages: [{ role: 'user' }] }), 'messages[0].content', 'invalid_value'],
    [says(null), 'messages[0].content', 'invalid_value'],
    [says(1), 'messages[0].content', 'invalid_value'],
    [says({ text: 'x' }), 'messages[0].content', 'invalid_value'],
    [says([1]), 'messages[0].content[0]', 'invalid_value'],
    [says([null]), 'messages[0].content[0]', 'invalid_value'],
    [says([{ type: 'text' }]), 'messages[0].content[0]', 'invalid_value'],
    [says([{ type: 'image_url', image_url: {} }]), 'messages[0].content[0]', 'invalid_value'],
    [says(Array(101).fill({ type: 'text', text: '' })), 'messages[0].content', 'invalid_value'],
    [says('a\u0000'), 'messages[0].content', 'invalid_value'],
    [
      '{"model":"haetae","messages":[{"role":"user","content":"\\ud83d"}]}',
      'messages[0].content',
      'invalid_value',
    ],
    [says('x'.repeat(1_000_001)), 'messages[0].content', 'invalid_value'],
    [says('x', { tool_calls: [{}] }), 'messages[0].tool_calls', 'unsupported_parameter'],
    [chat({ max_tokens: 0 }), 'max_tokens', 'invalid_value'],
    [chat({ max_tokens: -1 }), 'max_tokens', 'invalid_value'],
    [chat({ max_tokens: 2 ** 31 }), 'max_tokens', 'invalid_value'],
    [chat({ max_tokens: 1.5 }), 'max_tokens', 'invalid_value'],
    [chat({ max_tokens: '5' }), 'max_tokens', 'invalid_value'],
    [chat({ max_completion_tokens: true }), 'max_completion_tokens', 'invalid_value'],
    [chat({ max_tokens: 5, max_completion_tokens: 6 }), 'max_tokens', 'invalid_value'],
    [
      '{"model":"haetae","messages":[{"role":"user","content":"x"}],"max_tokens":1e999}',
      'max_tokens',
      'invalid_value',
    ],
    [
      '{"model":"haetae","messages":[{"role":"user","content":"x"}],"temperature":1e999}',
      'temperature',
      'invalid_value',
    ],
    [chat({ temperature: -0.1 }), 'temperature', 'invalid_value'],
    [chat({ temperature: 2.1 }), 'temperature', 'invalid_value'],
    [chat({ temperature: '1' }), 'temperature', 'invalid_value'],
    [chat({ temperature: [1] }), 'temperature', 'invalid_value'],
    [chat({ top_p: 1.1 }), 'top_p', 'invalid_value'],
    [chat({ top_k: -2 }), 'top_k', 'invalid_value'],
    [chat({ repetition_penalty: 0 }), 'repetition_penalty', 'invalid_value'],
    [chat({ seed: 0.5 }), 'seed', 'invalid_value'],
    [chat({ seed: 2 ** 60 }), 'seed', 'invalid_value'],
    [chat({ stream: 'yes' }), 'stream', 'invalid_value'],
    [chat({ stream_options: { include_usage: true } }), 'stream_options', 'invalid_value'],
    [
      chat({ stream: true, stream_options: { include_usage: 1 } }),
      'stream_options.include_usage',
      'invalid_value',
    ],
    [chat({ logprobs: 5 }), 'logprobs', 'invalid_value'],
    [chat({ top_logprobs: 5 }), 'top_logprobs', 'invalid_value'],
    [chat({ logprobs: true, top_logprobs: 21 }), 'top_logprobs', 'invalid_value'],
    [chat({ stop: Array(10_000).fill('x') }), 'stop', 'invalid_value'],
    [chat({ stop: ['a', 'b', 'c', 'd', 'e'] }), 'stop', 'invalid_value'],
    [chat({ stop: [''] }), 'stop', 'invalid_value'],
    [chat({ stop: '' }), 'stop', 'invalid_value'],
    [chat({ stop: [1] }), 'stop', 'invalid_value'],
    [chat({ stop: 'x'.repeat(1_001) }), 'stop', 'invalid_value'],
    [chat({ n: 2 }), 'n', 'unsupported_parameter'],
    [chat({ tools: [{}] }), 'tools', 'unsupported_parameter'],
    [chat({ functions: [{}] }), 'functions', 'unsupported_parameter'],
    [chat({ tool_choice: 'required' }), 'tool_choice', 'unsupported_parameter'],
    [chat({ response_format: { type: 'json_schema' } }), 'response_format', 'unsupported_parameter'],
    [chat({ response_format: 'text' }), 'response_format', 'unsupported_parameter'],
    [chat({ logit_bias: { 5: 1 } }), 'logit_bias', 'unsupported_parameter'],
    [chat({ presence_penalty: 0.5 }), 'presence_penalty', 'unsupported_parameter'],
    [chat({ frequency_penalty: '0' }), 'frequency_penalty', 'unsupported_parameter'],
    [chat({ modalities: ['text', 'audio'] }), 'modalities', 'unsupported_parameter'],
    [chat({ audio: {} }), 'audio', 'unsupported_parameter'],
    [chat({ web_search_options: {} }), 'web_search_options', 'unsupported_parameter'],
    [chat({ foo: 1 }), 'foo', 'unknown_parameter'],
    [chat({ constructor: 1 }), 'constructor', 'unknown_parameter'],
    [chat({ ['x'.repeat(1_000)]: 1 }), 'x'.repeat(100), 'unknown_parameter'],
  ];
  for (const [payload, param, code] of table) {
    const reply = await post('/chat/completions', payload);
    const name = JSON.stringify(payload).slice(0, 100);
    t.equal(reply.statusCode, 400, name);
    t.match(reply.json(), { error: { type: 'invalid_request_error', param, code, message: /\S/ } }, name);
    t.ok(reply.body.length < 1_000, name);
  }
  t.strictSame(asked, []);
});

t.test('what has no effect is taken, and null is as good as nothing', async (t) => {
  const { post, asked } = await start(t);
  const reply = await post('/chat/completions', {
    ...chat({ user: 'me', metadata: { a: '1' }, store: false, service_tier: 'auto', n: 1, tools: [] }),
    ...{ presence_penalty: 0, frequency_penalty: 0, logit_bias: {}, response_format: { type: 'text' } },
    ...{ parallel_tool_calls: true, modalities: ['text'], tool_choice: 'auto', audio: null, stop: null },
    ...{ temperature: null, max_tokens: null, stream: null, seed: null, foo: null, top_k: -1, top_p: 0 },
    messages: [
      { role: 'system', content: '' },
      { role: 'user', content: 'x', name: 'me' },
      { role: 'assistant', content: 'y', refusal: null, tool_calls: [], audio: null, annotations: [] },
      { role: 'user', content: [] },
    ],
  });
  t.equal(reply.statusCode, 200, reply.body);
  t.strictSame(asked, [
    {
      messages: [
        { role: 'system', content: '' },
        { role: 'user', content: 'x' },
        { role: 'assistant', content: 'y' },
        { role: 'user', content: '' },
      ],
      stop: [],
      maxNewTokens: 512,
      topP: 1e-6,
      topK: 0,
    },
  ]);
});

t.test('without a limit of the request, at most a quarter of a short context is generated', async (t) => {
  const { engine, post, asked } = await start(t);
  engine.student = { ...engine.student!, contextLength: 100 };
  await post('/chat/completions', chat());
  await post('/chat/completions', chat({ max_tokens: 5, max_completion_tokens: 5 }));
  t.strictSame(
    asked.map(({ maxNewTokens }) => maxNewTokens),
    [25, 5],
  );
});

t.test('messages that cannot fit the context are refused before they are tokenised', async (t) => {
  const { post, engine } = await start(t);
  const messages = Array(1_000).fill({ role: 'user', content: 'x'.repeat(263) });
  const reply = await post('/chat/completions', chat({ messages }));
  t.equal(reply.statusCode, 400);
  t.match(reply.json(), { error: { code: 'context_length_exceeded', message: /263000 characters.*2048/ } });
  t.strictSame(engine.calls, []);
});

t.test('embeddings that do not fit are refused by the field that does not', async (t) => {
  const { post, engine } = await start(t);
  const table: [unknown, string][] = [
    [{ model: 'haetae' }, 'input'],
    [{ input: 'x' }, 'model'],
    [{ model: 'haetae', input: '' }, 'input'],
    [{ model: 'haetae', input: [] }, 'input'],
    [{ model: 'haetae', input: ['a', ''] }, 'input[1]'],
    [{ model: 'haetae', input: [1, 2] }, 'input'],
    [{ model: 'haetae', input: [[1]] }, 'input'],
    [{ model: 'haetae', input: [{}] }, 'input[0]'],
    [{ model: 'haetae', input: { length: 1 } }, 'input'],
    [{ model: 'haetae', input: Array(2_049).fill('x') }, 'input'],
    [{ model: 'haetae', input: ['x'.repeat(20_001)] }, 'input[0]'],
    [{ model: 'haetae', input: 'a\u0000' }, 'input'],
    [{ model: 'haetae', input: 'a', encoding_format: 'int8' }, 'encoding_format'],
    [{ model: 'haetae', input: 'a', dimensions: 0 }, 'dimensions'],
    [{ model: 'haetae', input: 'a', dimensions: 3 }, 'dimensions'],
    [{ model: 'haetae', input: 'a', truncate: true }, 'truncate'],
  ];
  for (const [payload, param] of table) {
    const reply = await post('/embeddings', payload as object);
    t.equal(reply.statusCode, 400, JSON.stringify(payload).slice(0, 100));
    t.match(reply.json(), { error: { param } });
  }
  t.strictSame(engine.calls, []);
});

t.test('whatever is wrong with a body, a path or a method, it is said in the same form', async (t) => {
  const { app, post } = await start(t);
  const nested = `{"model":"haetae","messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  const bodies: [object | string | Buffer, string, number, string][] = [
    ['{"model":', 'application/json', 400, 'REQUEST_INVALID'],
    ['', 'application/json', 400, 'REQUEST_INVALID'],
    [nested, 'application/json', 400, 'invalid_value'],
    ['{"model":"haetae","__proto__":{"a":1}}', 'application/json', 400, 'REQUEST_INVALID'],
    ['{"constructor":{"prototype":1}}', 'application/json', 400, 'REQUEST_INVALID'],
    [Buffer.from([0x7b, 0xff, 0x7d]), 'application/json', 400, 'REQUEST_INVALID'],
    ['x', 'text/plain', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [`{"model":"${'x'.repeat(5_000_000)}"}`, 'application/json', 413, 'REQUEST_TOO_LARGE'],
  ];
  for (const path of ['/chat/completions', '/embeddings']) {
    for (const [payload, type, status, code] of bodies) {
      const reply = await post(path, payload, type);
      t.equal(reply.statusCode, status, `${path} ${code}`);
      t.match(reply.headers['content-type'], /^application\/json/);
      if (payload !== nested) t.match(reply.json(), { error: { code, message: /\S/ } });
      t.ok(reply.json().error);
    }
  }
  for (const [method, url, status, allow] of [
    ['GET', '/v1', 404, undefined],
    ['GET', '/v1/nope', 404, undefined],
    ['GET', '/v1/chat/completions', 405, 'POST'],
    ['OPTIONS', '/v1/chat/completions', 405, 'POST'],
    ['DELETE', '/v1/models/haetae', 405, 'GET, HEAD'],
    ['POST', '/v1/models', 405, 'GET, HEAD'],
    ['GET', '/v1/%E0%A4%A', 400, undefined],
    ['GET', '/v1/models/__proto__', 404, undefined],
    ['GET', `/v1/models/${'x'.repeat(100)}`, 404, undefined],
    ['GET', `/v1/models/${'x'.repeat(101)}`, 400, undefined],
  ] as const) {
    const reply = await app.inject({ method, url });
    t.equal(reply.statusCode, status, url);
    t.equal(reply.headers.allow, allow, url);
    t.match(reply.json(), { error: { type: 'invalid_request_error' } }, url);
  }
  const head = await app.inject({ method: 'HEAD', url: '/v1/models' });
  t.strictSame([head.statusCode, head.body], [200, '']);
  t.match((await app.inject({ url: '/v1x' })).json(), { code: 'NOT_FOUND' }, 'a neighbour is not of it');
});
