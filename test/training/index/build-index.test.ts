import { cp, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { currentBundleId, readBundle } from '../../../shared/bundle/bundle-store.js';
import { loadRuntime } from '../../../shared/bundle/load-runtime.js';
import type { Runtime } from '../../../shared/bundle/runtime.js';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { passageWindows } from '../../../shared/retrieval/passage-windows.js';
import { buildIndex, type IndexOptions, type IndexReport } from '../../../training/index/build-index.js';
import { smallCorpus, writeCorpus } from '../../fixtures/small-corpus.js';

type Choice = Partial<IndexOptions>;

function place(t: Test) {
  const dir = t.testdir({});
  const workDir = join(dir, 'work');
  const modelsDir = join(dir, 'models');
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  return {
    workDir,
    modelsDir,
    lines,
    write: (chunks: readonly Chunk[]) => writeCorpus(workDir, chunks),
    build: (more: Choice = {}): Promise<IndexReport> =>
      buildIndex({ workDir, modelsDir, threads: 1, log, ...more }),
    load: async (t: Test): Promise<Runtime> => {
      const runtime = await loadRuntime({ modelsDir, threads: 1 });
      t.teardown(() => runtime.close());
      return runtime;
    },
    bundles: async () =>
      (await readdir(modelsDir)).filter((name) => !['current', 'activations.jsonl'].includes(name)).sort(),
  };
}

/** The corpus with other words in one guide. */
function changed(word: string): Chunk[] {
  return smallCorpus().map((chunk, i) =>
    i === 1 ? { ...chunk, content: `${word} ${chunk.content}` } : chunk,
  );
}

t.test('chunks become a bundle that finds and answers', async (t) => {
  const { write, build, load, modelsDir, workDir } = place(t);
  const chunks = smallCorpus();
  await write(chunks);
  const report = await build();
  t.match(report, { skipped: false, chunks: 14, embedded: chunks.flatMap(passageWindows).length });
  t.match(report.bundleId, /^default-[0-9a-f]{12}$/);
  t.equal(await currentBundleId(modelsDir), report.bundleId);
  const { manifest } = await readBundle(modelsDir);
  t.match(manifest, {
    parent: null,
    index: { chunkCount: 14, vectorIndex: 'Flat', recallAt10: 1 },
    licences: [
      { licence: 'CC0-1.0', publisher: '출판사', documents: 12 },
      { licence: 'CC0-1.0', publisher: '국가', documents: 1 },
    ],
  });
  t.strictSame((await readdir(workDir)).sort(), ['chunks.jsonl', 'embedder', 'vectors']);

  const runtime = await load(t);
  t.match(runtime.info, { bundleId: report.bundleId, chunks: 14, dimension: 256 });
  const first = async (query: string) => (await runtime.retrieve(query)).passages[0];
  t.match(await first('랜섬웨어의 몸값을 내면 복구되는가?'), { chunk: { chunkId: 'guide-9#1' } });
  t.match(await first('전자금융거래법 제9조'), { chunk: { chunkId: 'act#9' }, scores: { citation: 0.9 } });
  t.match(await first('접근매체란 무엇인가?'), { chunk: { chunkId: 'act#2' }, scores: { citation: 1 } });
  const picked = await runtime.answer(
    '방화벽에 대한 설명으로 옳은 것은?\n1 인사이동이 있으면 거둔다\n2 허용하지 않은 접속을 차단하는 장치이다\n3 몸값을 요구한다',
  );
  t.match(picked, { answer: '2', usedFallback: false, citations: [{ chunkId: 'guide-0#1' }] });
  const open = await runtime.answer('백업 자료는 어디에 보관하는가?');
  t.match(open, { usedFallback: false, citations: [{ chunkId: 'guide-1#1' }] });
  t.match(open.answer, /다른 건물에 보관/);
});

t.test('one changed document costs its own windows; old bundles go, the parent stays', async (t) => {
  const { write, build, bundles, modelsDir, lines } = place(t);
  await write(smallCorpus());
  const first = await build();
  t.match(await build(), { bundleId: first.bundleId, skipped: true, chunks: 14, embedded: 0 });

  await write(changed('수정'));
  const windows = passageWindows(changed('수정')[1] as Chunk).length;
  const second = await build();
  t.match(second, { skipped: false, embedded: windows });
  t.equal((await readBundle(modelsDir)).manifest.parent, first.bundleId);
  t.strictSame(await bundles(), [first.bundleId, second.bundleId].sort());

  await write(changed('다시'));
  const third = await build();
  t.strictSame(await bundles(), [second.bundleId, third.bundleId].sort());
  t.equal(lines.filter((line) => line.includes('making the default embedder')).length, 1);

  const forced = await build({ force: true });
  t.match(forced, { bundleId: third.bundleId, skipped: false, embedded: 0 });
  const before = (await readBundle(modelsDir)).manifest.embedder.fingerprint;
  const retrained = await build({ retrainEmbedder: true });
  t.match(retrained, { skipped: false, embedded: changed('다시').flatMap(passageWindows).length });
  t.not((await readBundle(modelsDir)).manifest.embedder.fingerprint, before);
});

t.test('an embedder of one’s own makes a bundle that stays active where it was chosen', async (t) => {
  const { write, build, bundles, modelsDir, workDir } = place(t);
  await write(smallCorpus());
  const byDefault = await build();
  const embedder = join(t.testdirName, 'own');
  await cp(join(workDir, 'embedder'), embedder, { recursive: true });
  const own = await build({ embedder });
  t.match(own.bundleId, /^index-/);
  t.equal(await currentBundleId(modelsDir), own.bundleId);
  t.match(await build({ embedder }), { skipped: true, bundleId: own.bundleId });

  await write(changed('수정'));
  const kept = await build({ keepChosen: true });
  t.equal(await currentBundleId(modelsDir), own.bundleId);
  t.strictSame(await bundles(), [kept.bundleId, own.bundleId].sort(), `${byDefault.bundleId} is gone`);
  t.match(await build({ keepChosen: true }), { skipped: true });
  t.equal(await currentBundleId(modelsDir), own.bundleId);
  await build();
  t.equal(await currentBundleId(modelsDir), kept.bundleId);

  // Other weights beside the same config.json.
  const weights = await readFile(join(embedder, 'model.safetensors'));
  weights.set([1, 2], weights.length - 2);
  await writeFile(join(embedder, 'model.safetensors'), weights);
  const ownAgain = await build({ embedder });
  t.equal(ownAgain.skipped, false);
  t.not(ownAgain.bundleId, own.bundleId);
});

t.test('the embedder that comes with the program is the default one, until one’s own is made', async (t) => {
  const { write, build, lines, modelsDir, workDir } = place(t);
  await write(smallCorpus());
  await build();
  const made = (await readBundle(modelsDir)).manifest.embedder.fingerprint;
  const shippedEmbedder = join(t.testdirName, 'shipped');
  t.match(await build({ shippedEmbedder }), { skipped: true }, 'it is not there');
  await cp(join(workDir, 'embedder'), shippedEmbedder, { recursive: true });
  const path = join(shippedEmbedder, 'model.safetensors');
  const weights = await readFile(path);
  weights.set([1, 2], weights.length - 2);
  await writeFile(path, weights);

  lines.length = 0;
  const shipped = await build({ shippedEmbedder });
  t.match(shipped, { bundleId: /^default-/, skipped: false });
  t.not((await readBundle(modelsDir)).manifest.embedder.fingerprint, made);
  t.notMatch(lines.join('\n'), /making the default embedder/);
  await build({ shippedEmbedder, retrainEmbedder: true });
  t.equal((await readBundle(modelsDir)).manifest.embedder.fingerprint, made);
  t.match(await build({ shippedEmbedder }), { skipped: true }, 'one’s own stays');
  t.ok((await readFile(path)).equals(weights));
});

t.test('a damaged bundle is not loaded, and is built again', async (t) => {
  const { write, build, load, modelsDir } = place(t);
  await write(smallCorpus());
  const { bundleId } = await build();
  const invalid = (message: RegExp) => t.rejects(load(t), { code: 'BUNDLE_INVALID', message });
  const path = join(modelsDir, bundleId, 'manifest.json');
  const sound = await readFile(path, 'utf8');
  const { manifest } = await readBundle(modelsDir);
  const damaged = (more: object) => writeFile(path, JSON.stringify({ ...manifest, ...more }));
  await damaged({ index: { ...manifest.index, tokenizerVersion: 'other/1' } });
  await invalid(/indexed with tokenisation other\/1.*haetae train index/);
  await damaged({ embedder: { ...manifest.embedder, fingerprint: 'other' } });
  await invalid(/made by another embedder.*--force/);
  await writeFile(path, sound);
  await truncate(join(modelsDir, bundleId, 'vectors.faiss'), 100);
  await invalid(/vectors\.faiss has 100 bytes, expected \d+ bytes/);
  t.match(await build(), { bundleId, skipped: false, embedded: 0 });
  t.match((await load(t)).info, { bundleId, chunks: 14 });
});

t.test('a build that fails leaves nothing behind', async (t) => {
  const { write, build, modelsDir, workDir } = place(t);
  await t.rejects(build(), { code: 'FILE_NOT_FOUND', message: /haetae train prepare/ });
  await write([]);
  await t.rejects(build(), { code: 'INDEX_INVALID', message: /holds no chunks/ });
  await write(smallCorpus());
  const embedder = join(t.testdirName, 'own');
  await t.rejects(build({ embedder }), { code: 'MODEL_INVALID', message: /model\.onnx is missing/ });
  await mkdir(embedder);
  for (const name of ['config.json', 'tokenizer.json', 'model.onnx'])
    await writeFile(join(embedder, name), '{}');
  await t.rejects(build({ embedder }), { code: 'MODEL_INVALID' });
  t.strictSame(await readdir(modelsDir), []);
  await t.rejects(
    build({
      log: (line) => {
        if (line.includes('tfidf')) throw new Error('stopped');
      },
    }),
    /stopped/,
  );
  t.strictSame(await readdir(modelsDir), []);
  t.strictSame(await readdir(workDir), ['chunks.jsonl']);
});

t.test('one document is a knowledge base', async (t) => {
  const { write, build, load } = place(t);
  await write(smallCorpus().slice(1, 2));
  t.match(await build(), { chunks: 1, embedded: 1 });
  const runtime = await load(t);
  for (const question of [
    '백업 자료는 어디에 보관하는가?',
    '백업은 얼마나 자주 해야 하나요?',
    '복구 훈련에 대해 설명하시오.',
    '백업',
  ]) {
    const { answer, usedFallback, citations } = await runtime.answer(question);
    t.match(
      { usedFallback, citations },
      { usedFallback: false, citations: [{ chunkId: 'guide-1#1' }] },
      question,
    );
    t.match(answer, /백업|복구/);
  }
  const picked = await runtime.answer(
    '백업 자료의 보관으로 옳은 것은?\n1 같은 서버에 둔다\n2 다른 건물에 보관한다',
  );
  t.match(picked, { answer: '2', usedFallback: false });
  t.match(await runtime.answer('양자 얽힘의 발견자는 누구인가?'), { usedFallback: true });
});
