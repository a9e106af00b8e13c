import { readFile } from 'node:fs/promises';
import t from 'tap';
import { attributions, noticeOf } from '../training/licence/attributions.js';
import { readSources } from '../training/licence/sources.js';

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url));
const notice = (await read('NOTICE')).toString();
const sources = [...readSources(await read('data/raw/sources.csv')).values()];
const publishers = attributions(sources.map((entry) => ({ ...entry, source: entry.path })));

t.test('NOTICE names whom the licences of the documents ask for', async (t) => {
  const [, made] = /write-notice\.mjs\)\n\n(.*?)\n\n-{9,}\n/su.exec(notice) ?? [];
  t.equal(made, noticeOf(publishers), 'renew it: node --import=tsx scripts/write-notice.mjs');
});

t.test('publishers who ask for nothing are named all the same, with an address', async (t) => {
  const others = publishers.filter(({ attributionRequired }) => !attributionRequired);
  t.ok(others.length > 0);
  for (const { publisher, urls } of others) {
    t.ok(notice.includes(publisher), publisher);
    t.ok(
      urls.some((url) => notice.includes(new URL(url).origin)),
      urls.join(' '),
    );
  }
});

t.test('every Creative Commons licence that asks for something is linked', async (t) => {
  const names = new Set(publishers.filter((each) => each.attributionRequired).map(({ licence }) => licence));
  for (const name of names) {
    const [, kind, version] = /^CC-(BY(?:-SA)?)-(\d\.\d)$/u.exec(name) ?? [];
    if (kind === undefined) t.equal(name, 'MIT');
    else
      t.ok(notice.includes(`https://creativecommons.org/licenses/${kind.toLowerCase()}/${version}/`), name);
  }
});

t.test('the npm packages that NOTICE names are dependencies, under the licence it says', async (t) => {
  const { dependencies } = JSON.parse((await read('package.json')).toString());
  const list = notice.slice(notice.indexOf('The set-up installs npm packages'));
  const rows = [...list.matchAll(/^ {2}(\S+) {2,}(\S+) {2,}\S/gmu)];
  t.ok(rows.length > 0);
  for (const [, name = '', licence] of rows) {
    t.ok(name in dependencies, name);
    const manifest = JSON.parse((await read(`node_modules/${name}/package.json`)).toString());
    t.equal(manifest.license, licence, name);
  }
});

t.test('the program is under the licence that package.json says', async (t) => {
  t.equal(JSON.parse((await read('package.json')).toString()).license, 'MIT');
  t.match((await read('LICENSE')).toString(), /^MIT License\n\nCopyright \(c\) 2026 the haetae authors\n/u);
});
