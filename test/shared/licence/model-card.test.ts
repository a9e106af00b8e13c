import t from 'tap';
import { lastDay, readModelCard } from '../../../shared/licence/model-card.js';

const card = (front: string) => readModelCard({ readme: `---\n${front}\n---\n# A model\nlicense: mit\n` });

t.test('the front matter says licence, base model and date', async (t) => {
  const found = card(
    'license: apache-2.0\nbase_model:\n- Qwen/Qwen2.5-3B\n- other/model\nrelease_date: 2024-09-19\ntags: [a]',
  );
  t.strictSame(found, {
    licences: [{ value: 'apache-2.0', from: 'README.md' }],
    released: [{ value: '2024-09-19', from: 'README.md, release_date' }],
    baseModels: ['Qwen/Qwen2.5-3B', 'other/model'],
    problems: [],
  });
});

t.test('other stands for license_name; words that name no licence are none', async (t) => {
  t.strictSame(card('license: other\nlicense_name: qwen-research').licences, [
    { value: 'qwen-research', from: 'README.md' },
  ]);
  for (const front of ['license: other', 'license: unknown', 'license:', 'license: 4', 'tags: []'])
    t.strictSame(card(front).licences, [], front);
  t.strictSame(
    card('license: [mit, cc-by-nc-4.0]').licences.map(({ value }) => value),
    ['mit', 'cc-by-nc-4.0'],
  );
});

t.test('every source is heard: README.md, config.json and the licence files', async (t) => {
  const { licences } = readModelCard({
    readme: '---\r\nlicense: mit\r\n---\r\n',
    config: { license: 'apache-2.0' },
    licences: [
      { name: 'LICENSE.txt', text: 'Attribution-NonCommercial 4.0 International' },
      { name: 'MODEL_LICENSE', text: 'Model terms\nof ours' },
      { name: 'COPYING', text: ' \n' },
    ],
  });
  t.strictSame(licences, [
    { value: 'mit', from: 'README.md' },
    { value: 'apache-2.0', from: 'config.json' },
    { value: 'CC-BY-NC-4.0', from: 'LICENSE.txt' },
    { value: '"Model terms"', from: 'MODEL_LICENSE' },
  ]);
});

t.test('what cannot be read is said, not guessed', async (t) => {
  t.match(readModelCard({ readme: '# A model\nlicense: mit' }), {
    licences: [],
    problems: [/no front matter/],
  });
  t.match(card('license: [mit'), { licences: [], problems: [/not valid YAML/] });
  t.match(card('- mit'), { licences: [], problems: [/no keys/] });
  t.match(card('date: last summer').problems, [/date: last summer, which is no date/]);
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefgh'[i]},`.repeat(9)}]`),
  ].join('\n');
  t.match(card(bomb).problems, [/not valid YAML/]);
  t.strictSame(readModelCard({}), { licences: [], released: [], baseModels: [], problems: [] });
});

t.test('a month means its last day; what is no date is none', async (t) => {
  t.equal(lastDay('2025-07'), '2025-07-31');
  t.equal(lastDay('2024-02'), '2024-02-29');
  t.equal(lastDay('2024-09-19'), '2024-09-19');
  t.equal(lastDay('2024-09-19T10:00:00Z'), '2024-09-19');
  for (const text of [
    '2025-02-29',
    '2025-13',
    '2025-00-10',
    '2025-04-31',
    '2025',
    '19.9.2024',
    '2024-9-1',
    '',
  ])
    t.equal(lastDay(text), undefined, text);
});
