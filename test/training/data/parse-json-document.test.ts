import t from 'tap';
import { parseJsonDocument } from '../../../training/data/parse-json-document.js';

const user = { role: 'user', content: '질문' };
const assistant = { role: 'assistant', content: '답' };
const parse = (value: unknown, kind?: Parameters<typeof parseJsonDocument>[2]) =>
  parseJsonDocument(JSON.stringify(value), 'f:7', kind);

t.test('each form is told by its fields', async (t) => {
  const where = 'f:7';
  t.strictSame(parse({ text: 'ㄱ' }), { kind: 'text', where, documentId: where, text: 'ㄱ' });
  const dialogue = { kind: 'dialogue', where, documentId: where, messages: [user, assistant] };
  t.strictSame(parse({ prompt: '질문', response: '답' }), dialogue);
  t.strictSame(parse({ messages: [user, assistant], text: 'besides' }), dialogue);
  t.strictSame(parse({ query: 'q', positive: 'p', negatives: ['n'] }), {
    ...{ kind: 'retrieval', where, documentId: where },
    ...{ query: 'q', positive: 'p', negatives: ['n'] },
  });
  t.strictSame(parse({ query: 'q', positive: 'p' }), {
    ...{ kind: 'retrieval', where, documentId: where },
    ...{ query: 'q', positive: 'p', negatives: [] },
  });
});

t.test('a pair has texts or messages, and its promptId for source', async (t) => {
  const pair = {
    ...{ kind: 'pair', where: 'f:7', documentId: 'p1', promptId: 'p1' },
    ...{ prompt: [user], chosen: '답', rejected: '오답' },
  };
  t.strictSame(parse({ promptId: 'p1', prompt: '질문', chosen: '답', rejected: '오답' }), pair);
  const rejected = [user, { role: 'assistant', content: '오답' }];
  t.strictSame(parse({ promptId: 'p1', prompt: '질문', chosen: [user, assistant], rejected }), pair);
  t.match(parse({ source: '법', promptId: 'p1', prompt: '질문', chosen: '답', rejected: '오답' }), {
    documentId: '법',
    promptId: 'p1',
  });
});

t.test('a teacher may have a prompt of its own, a text or messages', async (t) => {
  const dialogue = { prompt: '질문', response: '답' };
  const pair = { promptId: 'p1', prompt: '질문', chosen: '답', rejected: '오답' };
  for (const line of [dialogue, pair]) {
    t.match(parse({ ...line, teacherPrompt: '질문' }), { teacherPrompt: [user] });
    t.match(parse({ ...line, teacherPrompt: [user] }), { teacherPrompt: [user] });
    t.notOk('teacherPrompt' in parse(line));
    for (const wrong of [[], [user, assistant], '', 3]) {
      t.throws(() => parse({ ...line, teacherPrompt: wrong }), { code: 'TRAINING_DATA_INVALID' });
    }
  }
});

t.test('the source is named by source, documentId or docId, else by the place', async (t) => {
  const idOf = (fields: object) => parse({ text: 'x', ...fields }).documentId;
  t.equal(idOf({ source: 's', documentId: 'd', docId: 'i' }), 's');
  t.equal(idOf({ documentId: 12, docId: 'i' }), '12');
  t.equal(idOf({ source: null, docId: 'i' }), 'i');
  t.equal(idOf({}), 'f:7');
});

t.test('a kind that is asked for decides between forms', async (t) => {
  const both = { text: 'x', prompt: 'p', response: 'r' };
  t.equal(parse(both).kind, 'dialogue');
  t.equal(parse(both, 'text').kind, 'text');
  t.throws(() => parse({ text: 'x' }, 'pair'), {
    message: /^f:7: the fields are text; \{promptId, prompt, chosen, rejected\} is needed\./,
  });
});

t.test('a line that is wrong is an error that says what came', async (t) => {
  const wrong: [value: unknown, message: RegExp][] = [
    [[], /JSON, but no object/],
    [null, /JSON, but no object/],
    [{}, /the fields are none/],
    [{ title: 'x' }, /the fields are title; .*\{text\} is needed/],
    [{ text: 5 }, /text is 5; a text is needed/],
    [{ text: 'half \ud800' }, /half of a character/],
    [{ text: 'x', source: {} }, /source is \{\}; a text or a whole number/],
    [{ text: 'x', source: ' ' }, /source is " "/],
    [{ prompt: ' ', response: 'r' }, /prompt is empty/],
    [{ prompt: 'p', response: '' }, /response is empty/],
    [{ messages: {} }, /messages is \{\}; a list is needed/],
    [{ messages: [assistant] }, /has to end with an assistant's message that answers another/],
    [{ messages: [user] }, /has to end with an assistant's message/],
    [{ messages: [user, null] }, /messages\[1\]\.role is missing; one of system, user, assistant/],
    [{ messages: [{ role: 'tool', content: 'x' }, assistant] }, /messages\[0\]\.role is "tool"/],
    [{ messages: [user, { role: 'assistant', content: ' ' }] }, /messages\[1\]\.content is empty/],
    [{ prompt: 'p', chosen: 'c', rejected: 3 }, /rejected is 3/],
    [{ prompt: 'p', chosen: [user, assistant], rejected: 'r' }, /answer different messages/],
    [{ query: 'q', positive: 'p', negatives: 'n' }, /negatives is "n"; a list is needed/],
    [{ query: 'q', positive: 'p', negatives: [''] }, /negatives\[0\] is empty/],
  ];
  for (const [value, message] of wrong) {
    t.throws(() => parse(value), { code: 'TRAINING_DATA_INVALID', message, data: { where: 'f:7' } });
  }
  t.throws(() => parseJsonDocument('{"text": ', 'f:7'), { message: /^f:7: the line is not JSON/ });
});

t.test('names of the object prototype are no fields', async (t) => {
  t.throws(() => parseJsonDocument('{"__proto__": {"text": "x"}}', 'f:7'), {
    message: /the fields are __proto__/,
  });
});
