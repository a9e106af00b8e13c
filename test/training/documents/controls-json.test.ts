import { readFile } from 'node:fs/promises';
import t from 'tap';
import { parseControlsJson } from '../../../training/documents/controls-json.js';

const real = new URL('../../../data/raw/admrule/ISMS-P_controls.json', import.meta.url);

t.test('the real controls are all read, with nothing but white space changed', async (t) => {
  const bytes = await readFile(real);
  const raw = JSON.parse(bytes.toString()) as { id: string; title: string; text: string }[];
  const { blocks } = await parseControlsJson(bytes, 'c.json');
  t.equal(blocks.length, raw.length * 2);
  const bare = (text: string): string => text.replace(/\s/gu, '');
  for (const [i, control] of raw.entries()) {
    const heading = blocks[2 * i];
    const body = blocks[2 * i + 1];
    if (heading?.kind !== 'heading' || body?.kind !== 'paragraph') return t.fail(control.id);
    if (bare(heading.text) !== bare(control.id + control.title)) t.fail(`title of ${control.id}`);
    if (bare(body.text) !== bare(control.text) || body.text.includes('\n')) t.fail(`text of ${control.id}`);
  }
  t.pass('101 controls');
});

t.test('words that a line break cut are whole again, words that it parted stay apart', async (t) => {
  const { lines } = await parseControlsJson(await readFile(real), 'c.json');
  const text = lines.join('\n');
  for (const whole of [
    '수립과 운영활동',
    '최고책임자와',
    '개인정보보호 책임자를',
    '하여야 한다',
    '정확성과',
    '안전조치',
  ]) {
    t.ok(text.includes(whole), whole);
  }
  for (const wrong of [
    '있도록보고',
    '임원급으로지정',
    '구현을위한',
    '관 련',
    '책임 자를',
    '한 다.',
    '전사적보호',
  ]) {
    t.notOk(text.includes(wrong), wrong);
  }
});

t.test('other JSON, broken JSON and repeated ids are refused by name', async (t) => {
  const parse = (text: string) => parseControlsJson(Buffer.from(text), 'c.json');
  await t.rejects(parse('{"a":1}'), { code: 'DOCUMENT_UNSUPPORTED', message: /c\.json/u });
  await t.rejects(parse('[]'), { code: 'DOCUMENT_UNSUPPORTED' });
  await t.rejects(parse('[{"id":'), { code: 'DOCUMENT_DAMAGED' });
  const control = '{"id":"1.1","title":"가","text":"나"}';
  await t.rejects(parse(`[${control},${control}]`), { code: 'DOCUMENT_DAMAGED', message: /1\.1/u });
});
