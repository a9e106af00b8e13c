import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { importDataset } from '../../../training/export/import-dataset.js';

async function read(t: Test, content: unknown, name = 'train.json') {
  const path = join(t.testdir({}), name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return importDataset(path);
}

const user = { role: 'user', content: '질문' };
const says = (content: string) => ({ role: 'assistant', content });
const expected = {
  prompt: '질문',
  chosen: [user, says('예')],
  rejected: [user, says('아니요')],
};

t.test('all forms of a pair are the same pair', async (t) => {
  const forms = [
    { prompt: '질문', chosen: [user, says('예')], rejected: [user, says('아니요')] },
    { prompt: '질문', chosen: '예', rejected: '아니요' },
    { prompt: [user], chosen: [says('예')], rejected: [says('아니요')] },
    { prompt: [user], chosen: '예', rejected: '아니요' },
    { prompt: [user], chosen: [user, says('예')], rejected: [user, says('아니요')] },
    { chosen: [user, says('예')], rejected: [user, says('아니요')] },
  ];
  for (const form of forms) t.match(await read(t, [form]), [expected], JSON.stringify(form));
  const pairs = await read(t, forms);
  const [first] = pairs;
  t.match(first!.promptId, /^[0-9a-f]{16}$/, 'named by its prompt');
  t.strictSame(
    pairs.map(({ promptId }) => promptId),
    [first!.promptId, ...[2, 3, 4, 5, 6].map((n) => `${first!.promptId}-${n}`)],
  );
  t.equal(first!.source, first!.promptId, 'its own source');
});

t.test('names and sources are kept; a list or lines, with a byte order mark or not', async (t) => {
  const item = {
    prompt_id: 7,
    source: '전자금융거래법',
    prompt: '질문',
    chosen: '예',
    rejected: '아니요',
    extra: [1],
  };
  const whole = [{ ...expected, promptId: '7', source: '전자금융거래법' }];
  t.strictSame(await read(t, [item]), whole);
  t.strictSame(await read(t, `\uFEFF${JSON.stringify(item)}\n\n`, 'train.jsonl'), whole);
});

t.test('what is wrong is named with its item', async (t) => {
  const good = { prompt: '질문', chosen: '예', rejected: '아니요' };
  const cases: [unknown, RegExp][] = [
    [
      [good, { ...good, chosen: 3 }],
      /train\.json\[1\].*chosen is 3; a list|train\.json\[1\].*chosen is 3; a text/,
    ],
    [[good, { prompt: '질문', chosen: '예' }], /train\.json\[1\].*rejected/],
    [[good, [1]], /train\.json\[1\].*no object/],
    [[{ ...good, rejected: [user, { role: 'tool', content: 'x' }] }], /\[0\].*rejected\[1\]\.role is "tool"/],
    [
      [{ chosen: [user, says('a')], rejected: [{ ...user, content: '다른' }, says('b')] }],
      /\[0\].*different messages/,
    ],
    [
      [
        { ...good, prompt_id: 'a' },
        { ...good, id: 'a' },
      ],
      /\[1\].*named 'a', as train\.json\[0\]/,
    ],
    [[{ ...good, source: {} }], /\[0\].*source is \{\}/],
    ['[{"prompt": ', /train\.json.*not JSON/],
    [`${JSON.stringify(good)}\n{`, /train\.json:2.*not JSON/],
    ['[]', /holds no items/],
    [[{ ...good, prompt: '' }], /\[0\].*prompt is empty/],
  ];
  for (const [content, message] of cases) {
    await t.rejects(read(t, content), { code: 'TRAINING_DATA_INVALID', message }, String(message));
  }
  await t.rejects(importDataset(join(t.testdir({}), 'none.json')), { code: 'FILE_NOT_FOUND' });
});
