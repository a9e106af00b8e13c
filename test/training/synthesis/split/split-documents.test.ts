import t from 'tap';
import type { Split } from '../../../../training/formats/qa-pair.js';
import { documentIdOf } from '../../../../training/synthesis/split/document-id.js';
import { splitDocuments } from '../../../../training/synthesis/split/split-documents.js';

const shares = { calibration: 0.1, validation: 0.1 };
const ids = (count: number) => Array.from({ length: count }, (_, i) => `문서 ${i}`);
const counts = (split: ReadonlyMap<string, Split>) => {
  const all = [...split.values()];
  return (['train', 'calibration', 'validation'] as const).map(
    (name) => all.filter((s) => s === name).length,
  );
};

t.test('the shares come about, and the seed decides which documents', async (t) => {
  const [train = 0, calibration = 0, validation = 0] = counts(splitDocuments(ids(3000), shares, 1));
  t.equal(train + calibration + validation, 3000);
  t.ok(Math.abs(calibration - 300) < 60, String(calibration));
  t.ok(Math.abs(validation - 300) < 60, String(validation));
  t.same(splitDocuments(ids(50), shares, 1), splitDocuments(ids(50).toReversed(), shares, 1));
  t.notSame(splitDocuments(ids(50), shares, 1), splitDocuments(ids(50), shares, 2));
});

t.test('a document stays where it is when others come', async (t) => {
  const few = splitDocuments(ids(200), shares, 9);
  const many = splitDocuments(ids(2000), shares, 9);
  for (const [id, split] of few) t.equal(many.get(id), split);
});

t.test('three documents are enough for a document in each split', async (t) => {
  for (let seed = 0; seed < 200; seed++) {
    for (const count of [3, 4, 7]) {
      const dealt = counts(splitDocuments(ids(count), shares, seed));
      t.ok(
        dealt.every((n) => n >= 1),
        `${dealt} of ${count}`,
      );
    }
  }
});

t.test('only documents that fill an empty split move when one comes', async (t) => {
  for (let seed = 0; seed < 100; seed++) {
    const before = splitDocuments(ids(8), shares, seed);
    const after = splitDocuments([...ids(8), '새 문서'], shares, seed);
    const moved = [...before].filter(([id, split]) => after.get(id) !== split);
    t.ok(moved.length <= 2, `${moved.length}`);
  }
});

t.test('a split without a share is empty; with two documents there is no guarantee', async (t) => {
  t.same(counts(splitDocuments(ids(40), { calibration: 0, validation: 0 }, 1)), [40, 0, 0]);
  t.same(counts(splitDocuments(ids(5), { calibration: 0, validation: 0.001 }, 1)), [4, 0, 1]);
  t.same(counts(splitDocuments(ids(4), { calibration: 0, validation: 1 }, 1)), [0, 0, 4]);
  t.equal(splitDocuments(ids(2), shares, 1).size, 2);
  t.equal(splitDocuments([], shares, 1).size, 0);
});

t.test('dated versions are one document', async (t) => {
  t.equal(documentIdOf({ title: '전자금융감독규정(2019-01-01)' }), '전자금융감독규정');
  t.equal(documentIdOf({ title: '전자금융감독규정 (2025-02-05)' }), '전자금융감독규정');
  t.equal(documentIdOf({ title: '개인정보 보호법' }), '개인정보 보호법');
});
