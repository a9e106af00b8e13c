import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { decodeBm25, encodeBm25, readBm25, writeBm25 } from '../../../../shared/retrieval/bm25/bm25-files.js';
import { Bm25Index } from '../../../../shared/retrieval/bm25/bm25-index.js';
import type { FrozenBm25 } from '../../../../shared/retrieval/bm25/frozen-bm25.js';
import { packVocabulary } from '../../../../shared/retrieval/bm25/vocabulary.js';

const frozen: FrozenBm25 = {
  params: { k1: 0.6, b: 0.75, k: 1 },
  tokenizerVersion: 'test',
  docCount: 3,
  ...packVocabulary(['m:은행', 'm:회사', 'b:은행']),
  indptr: Uint32Array.of(0, 2, 3, 4),
  rows: Uint16Array.of(0, 2, 1, 2),
  scores: Float32Array.of(1.5, 0.25, 2, 3),
  docLengths: Float32Array.of(4, 5, 6),
};

t.test('what is written is what is read', async (t) => {
  const dir = t.testdir();
  t.same(await writeBm25(dir, frozen), ['bm25.json', 'bm25.bin']);
  t.same(await readBm25(dir), frozen);
  const index = await Bm25Index.open(dir);
  t.same([...index.search({ morphemes: ['은행'], bigrams: [] }, 5).rows], [0, 2]);
});

t.test('an index made with another tokenizer is refused', async (t) => {
  const dir = t.testdir();
  await writeBm25(dir, frozen);
  t.equal((await Bm25Index.open(dir, 'test')).tokenizerVersion, 'test');
  await t.rejects(Bm25Index.open(dir, 'other'), {
    code: 'INDEX_INVALID',
    message: /tokenizer test, this is other/,
  });
});

t.test('32-bit rows and an empty index survive too', async (t) => {
  const wide = { ...frozen, rows: Uint32Array.from(frozen.rows) };
  const { header, data } = encodeBm25(wide);
  t.same(decodeBm25(header, data), wide);
  const empty: FrozenBm25 = {
    ...frozen,
    docCount: 0,
    ...packVocabulary([]),
    indptr: Uint32Array.of(0),
    rows: new Uint16Array(0),
    scores: new Float32Array(0),
    docLengths: new Float32Array(0),
  };
  const encoded = encodeBm25(empty);
  t.same(decodeBm25(encoded.header, encoded.data), empty);
});

t.test('bytes that do not start at a multiple of 8 are read all the same', async (t) => {
  const { header, data } = encodeBm25(frozen);
  const shifted = new Uint8Array(data.length + 3);
  shifted.set(data, 3);
  t.same(decodeBm25(header, shifted.subarray(3)), frozen);
});

t.test('a missing file is named', async (t) => {
  await t.rejects(readBm25(t.testdir()), { code: 'FILE_NOT_FOUND', message: /bm25\./ });
});

t.test('a truncated file is refused', async (t) => {
  const dir = t.testdir();
  await writeBm25(dir, frozen);
  truncateSync(join(dir, 'bm25.bin'), encodeBm25(frozen).data.length - 1);
  await t.rejects(readBm25(dir), { code: 'INDEX_INVALID', message: /bytes/ });
  writeFileSync(join(dir, 'bm25.json'), '{"format":');
  await t.rejects(readBm25(dir), { code: 'INDEX_INVALID', message: /JSON/ });
});

t.test('a header that promises something else is refused', async (t) => {
  const { header, data } = encodeBm25(frozen);
  type Header = {
    sections: Record<string, { type: string; offset: number; length: number }>;
    [key: string]: unknown;
  };
  const changes: ((header: Header) => void)[] = [
    (h) => {
      h.version = 2;
    },
    (h) => {
      h.format = 'other';
    },
    (h) => {
      h.docCount = -1;
    },
    (h) => {
      h.docCount = 2;
    },
    (h) => {
      delete h.sections.rows;
    },
    (h) => {
      h.sections.scores!.length += 1000;
    },
    (h) => {
      h.sections.scores!.length -= 1;
    },
    (h) => {
      h.sections.scores!.offset += 4;
    },
    (h) => {
      h.sections.scores!.type = 'u32';
    },
    (h) => {
      h.sections.indptr!.length -= 1;
    },
  ];
  changes.forEach((change, i) => {
    const changed = JSON.parse(header) as Header;
    change(changed);
    t.throws(() => decodeBm25(JSON.stringify(changed), data), { code: 'INDEX_INVALID' }, `change ${i}`);
  });
});

t.test('contents that a search could not trust are refused', async (t) => {
  const broken: [name: string, change: Partial<FrozenBm25>][] = [
    ['row beyond the documents', { rows: Uint16Array.of(0, 3, 1, 2) }],
    ['rows out of order', { rows: Uint16Array.of(2, 0, 1, 2) }],
    ['row twice in a column', { rows: Uint16Array.of(2, 2, 1, 2) }],
    ['score that is no number', { scores: Float32Array.of(1, Number.NaN, 1, 1) }],
    ['score of zero', { scores: Float32Array.of(1, 0, 1, 1) }],
    ['infinite score', { scores: Float32Array.of(1, Number.POSITIVE_INFINITY, 1, 1) }],
    ['column that ends before it starts', { indptr: Uint32Array.of(0, 3, 2, 4) }],
    ['column beyond the entries', { indptr: Uint32Array.of(0, 2, 9, 4) }],
    ['columns that leave entries out', { indptr: Uint32Array.of(0, 2, 3, 3) }],
    ['lengths of other documents', { docLengths: Float32Array.of(1, 2) }],
  ];
  for (const [name, change] of broken) {
    const { header, data } = encodeBm25({ ...frozen, ...change });
    t.throws(() => decodeBm25(header, data), { code: 'INDEX_INVALID' }, name);
  }
});

t.test('no single damaged byte makes a search fail or lie about rows', async (t) => {
  const { header, data } = encodeBm25(frozen);
  let refused = 0;
  for (let at = 0; at < data.length; at += 1) {
    const damaged = data.slice();
    damaged[at] = damaged[at]! ^ 0xff;
    try {
      const index = new Bm25Index(decodeBm25(header, damaged));
      const { rows } = index.search({ morphemes: ['은행', '회사'], bigrams: ['은행'] }, 9);
      if ([...rows].some((row) => row >= 3)) t.fail(`byte ${at}`);
    } catch (error) {
      refused += 1;
      t.match(error, { code: 'INDEX_INVALID' });
    }
  }
  t.ok(refused > 10);
});
