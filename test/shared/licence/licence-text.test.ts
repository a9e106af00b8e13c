import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { licenceOfText } from '../../../shared/licence/licence-text.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

t.test('the licences of the packages this project uses are those that they declare', async (t) => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  // The file of this one says MIT, its package.json Apache-2.0.
  const disagree = ['tokenizers'];
  let compared = 0;
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const folder = `node_modules/${name}`;
    const file = readdirSync(join(root, folder)).find((each) => /^licen[cs]e(\.(txt|md))?$/iu.test(each));
    if (file === undefined || disagree.includes(name)) continue;
    const found = licenceOfText(read(join(folder, file)));
    if (found.startsWith('"')) continue;
    compared += 1;
    t.equal(found, JSON.parse(read(join(folder, 'package.json'))).license, name);
  }
  t.ok(compared >= 15, `${compared} licences were recognised`);
});

const mit = read('LICENSE');
const apache = read('node_modules/typescript/LICENSE.txt');

t.test('a licence with additions is not the licence', async (t) => {
  t.equal(licenceOfText(mit), 'MIT');
  t.equal(licenceOfText(apache), 'Apache-2.0');
  for (const text of [mit, apache]) {
    t.match(licenceOfText(`"Commons Clause" License Condition v1.0\n\n${text}`), /^".*Commons Clause/);
    t.match(licenceOfText(`${text}\nThe model may be used for research purposes only.`), /^"/);
    t.match(licenceOfText(`${text}\n${'One more condition that takes something back. '.repeat(40)}`), /^"/);
  }
});

const titles: [text: string, name: string][] = [
  ['Attribution 4.0 International\n\n====\n\nCreative Commons Corporation', 'CC-BY-4.0'],
  ['Creative Commons Attribution-ShareAlike 4.0 International Public License', 'CC-BY-SA-4.0'],
  ['Attribution-NonCommercial 4.0 International', 'CC-BY-NC-4.0'],
  ['Attribution-NonCommercial-NoDerivatives 4.0 International', 'CC-BY-NC-ND-4.0'],
  ['Creative Commons Legal Code\n\nCC0 1.0 Universal', 'CC0-1.0'],
  ['\n  Qwen RESEARCH LICENSE AGREEMENT\n\nRelease Date: …', '"Qwen RESEARCH LICENSE AGREEMENT"'],
  ['LLAMA 3.1 COMMUNITY LICENSE AGREEMENT', '"LLAMA 3.1 COMMUNITY LICENSE AGREEMENT"'],
  ['   \n', '""'],
];
for (const [text, name] of titles) {
  t.test(`${JSON.stringify(text.trim().slice(0, 40))} is ${name}`, async (t) =>
    t.equal(licenceOfText(text), name),
  );
}
