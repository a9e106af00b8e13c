import t from 'tap';
import { parseManifest } from '../../../shared/bundle/manifest.js';
import { fakeManifest } from '../../fixtures/fake-bundle.js';

const student = {
  path: 'student',
  contextLength: 2048,
  slots: 8,
  fingerprint: { probe: 1, logprobs: [-1, -2] },
  name: 'tiny',
  licence: 'Apache-2.0',
  released: '2024-09-19',
};
const text = (manifest: unknown): string => JSON.stringify(manifest);

t.test('a manifest comes back as it was written', async (t) => {
  const manifest = {
    ...fakeManifest('a-1'),
    files: [{ path: 'bm25/values.f32', bytes: 0, sha256: 'a'.repeat(64) }],
  };
  t.strictSame(parseManifest(text(manifest), 'x'), manifest);
});

t.test('paths that leave the bundle are refused, wherever they stand', async (t) => {
  const paths = [
    '/etc/passwd',
    '../x',
    'a/../x',
    'a/..',
    '..',
    'a\\b',
    'a\u0000b',
    'a\n/../b',
    'C:\\x',
    '',
    `a/${'b'.repeat(500)}`,
  ];
  const manifest = fakeManifest('a-1');
  for (const path of paths) {
    const file = { path, bytes: 1, sha256: 'a'.repeat(64) };
    for (const bad of [
      { ...manifest, files: [file] },
      { ...manifest, index: { ...manifest.index, chunks: path } },
      { ...manifest, index: { ...manifest.index, vectors: path } },
      { ...manifest, embedder: { ...manifest.embedder, path } },
      { ...manifest, answering: { ...manifest.answering, model: path } },
      { ...manifest, prompt: 'p', student: { ...student, path } },
    ]) {
      t.throws(() => parseManifest(text(bad), 'x'), { code: 'BUNDLE_INVALID' }, JSON.stringify(path));
    }
  }
  for (const path of ['a', 'a/b.c', 'a..b', '..a', 'a/...', '한글.txt']) {
    t.doesNotThrow(() =>
      parseManifest(text({ ...manifest, files: [{ path, bytes: 1, sha256: 'a'.repeat(64) }] }), 'x'),
    );
  }
});

t.test('the first field that does not fit is named', async (t) => {
  const manifest = fakeManifest('a-1');
  const table: [manifest: unknown, message: RegExp][] = [
    [{ ...manifest, id: '../a' }, /models\/x: \/id .*haetae train index/],
    [{ ...manifest, id: '.a' }, /\/id/],
    [{ ...manifest, formatVersion: 2 }, /of bundle format 2, this program reads 1/],
    [{ ...manifest, index: { ...manifest.index, chunkCount: 0 } }, /\/index\/chunkCount/],
    [{ ...manifest, answering: { ...manifest.answering, mode: 'guess' } }, /\/answering\/mode/],
    [{ ...manifest, files: [{ path: 'a', bytes: -1, sha256: 'a'.repeat(64) }] }, /\/files\/0\/bytes/],
    [{ ...manifest, files: [{ path: 'a', bytes: 1, sha256: 'A' }] }, /\/files\/0\/sha256/],
    [[], /models\/x/],
    [null, /models\/x/],
  ];
  for (const [bad, message] of table) {
    t.throws(() => parseManifest(text(bad), 'models/x'), { code: 'BUNDLE_INVALID', message });
  }
  t.throws(() => parseManifest('{', 'models/x'), {
    code: 'BUNDLE_INVALID',
    message: /models\/x is not JSON/,
  });
  t.throws(() => parseManifest('', 'models/x'), { code: 'BUNDLE_INVALID' });
});

t.test('a bundle with a student says how it is asked, and modes of a student need one', async (t) => {
  const manifest = fakeManifest('a-1');
  const calibration = {
    temperature: 0.8,
    questions: 400,
    negativeLogLikelihood: 1.1,
    expectedCalibrationError: 0.03,
  };
  const complete = {
    ...manifest,
    student,
    prompt: 'ko-1',
    retrieval: { ...manifest.retrieval, reranker: 'student' },
    answering: { ...manifest.answering, mode: 'verify', studentPassages: 2, calibration },
  };
  t.strictSame(parseManifest(text(complete), 'x'), complete);
  t.doesNotThrow(() => parseManifest(text({ ...complete, answering: manifest.answering }), 'x'));
  const table: [manifest: unknown, message: RegExp][] = [
    [{ ...complete, student: null }, /answers by 'verify', but has no student/],
    [{ ...complete, student: null, answering: manifest.answering }, /re-ranks by its student/],
    [{ ...complete, prompt: null }, /\/prompt does not say/],
    [{ ...complete, student: 'folder' }, /\/student/],
    [{ ...complete, student: { ...student, fingerprint: { probe: 1, logprobs: [] } } }, /\/student/],
    [
      { ...complete, answering: { ...complete.answering, calibration: { ...calibration, temperature: 0 } } },
      /\/answering\/calibration\/temperature/,
    ],
  ];
  for (const [bad, message] of table) {
    t.throws(() => parseManifest(text(bad), 'x'), { code: 'BUNDLE_INVALID', message });
  }
});
