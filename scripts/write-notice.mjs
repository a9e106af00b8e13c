// Renews the part of NOTICE that is made from data/raw/sources.csv; test/notice.test.ts compares it.
//
//   node --import=tsx scripts/write-notice.mjs
import { readFile, writeFile } from 'node:fs/promises';
import { attributions, noticeOf } from '../training/licence/attributions.ts';
import { readSources } from '../training/licence/sources.ts';

const notice = new URL('../NOTICE', import.meta.url);
const sources = readSources(await readFile(new URL('../data/raw/sources.csv', import.meta.url)));
const documents = [...sources.values()].map(({ path, ...entry }) => ({ ...entry, source: path }));
const made = /(scripts\/write-notice\.mjs\)\n).*?(\n-{9,}\n)/su;
const text = await readFile(notice, 'utf8');
if (!made.test(text)) throw new Error('NOTICE has lost the marks around the part that is made.');
await writeFile(
  notice,
  text.replace(made, (_, start, end) => `${start}\n${noticeOf(attributions(documents))}\n${end}`),
);
