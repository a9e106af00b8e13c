import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { readTextInput, withoutLastLineBreak } from '../../cli/text-input.js';

const names = { text: '--prompt', file: '--prompt-file' };
const stdin = () => Readable.from([Buffer.from('표준 '), Buffer.from('입력')]);

t.test('a text, a file, or standard input', async (t) => {
  const file = join(t.testdir({}), 'text');
  await writeFile(file, '파일\n');
  t.equal(await readTextInput({ text: '' }, names, stdin()), '');
  t.equal(await readTextInput({ file }, names, stdin()), '파일\n');
  t.equal(await readTextInput({ file: '-' }, names, stdin()), '표준 입력');
  t.equal(await readTextInput({}, names, stdin()), '표준 입력');
});

t.test('what cannot be a text is said', async (t) => {
  const file = join(t.testdir({}), 'text');
  await writeFile(file, Buffer.from([0xb1, 0xdd, 0xc0, 0xb6]));
  await t.rejects(readTextInput({ text: 'a', file }, names), {
    code: 'USAGE',
    message: /--prompt and --prompt-file/,
  });
  await t.rejects(readTextInput({ file }, names), { code: 'USAGE', message: /not UTF-8/ });
  await t.rejects(readTextInput({ file: `${file}.absent` }, names), { code: 'FILE_NOT_FOUND' });
});

t.test('one line break goes, the rest stays', async (t) => {
  t.equal(withoutLastLineBreak('a\n'), 'a');
  t.equal(withoutLastLineBreak('a\r\n'), 'a');
  t.equal(withoutLastLineBreak('a\n\n'), 'a\n');
  t.equal(withoutLastLineBreak(' a '), ' a ');
});
