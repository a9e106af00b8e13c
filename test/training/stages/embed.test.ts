/** The stage on a corpus of rules: what it makes, that it goes on where it was stopped, and that it measures. */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { formatChunks } from '../../../shared/retrieval/chunk-file.js';
import { openEmbedder } from '../../../shared/retrieval/onnx-embedder.js';
import { familyOf } from '../../../training/embedder/pairs/retrieval-pair.js';
import { type EmbedDetails, embed } from '../../../training/stages/embed.js';
import { index } from '../../../training/stages/index.js';
import { ruledCorpus } from '../../fixtures/ruled-corpus.js';
import { type ContextOptions, stageContext, stagedConfig } from '../../fixtures/staged-pipeline.js';
import { abortedAfterStep } from '../programs/tiny-runs.js';

const chunks = ruledCorpus(8, 6);
const statute = (n: number) =>
  [
    `제${n}호 법`,
    '제1조(목적)',
    `이 법은 제${n}호 업무의 안전한 처리와 이용자의 보호를 정함을 목적으로 한다. 그 밖의 사항은 따로 정한다.`,
    '제2조(보고)',
    `담당자는 매달 처리한 업무의 결과를 책임자에게 문서로 보고하여야 한다. 보고를 받은 책임자는 이를 보존한다.`,
  ].join('\n');
const out = t.testdir({
  work: { prepare: { 'chunks.jsonl': formatChunks(chunks) } },
  'statutes.txt': Array.from({ length: 12 }, (_, n) => statute(n)).join('\n\n'),
  'test.csv': 'ID,Question\nT_1,"방화벽의 역할을 서술하시오."\n',
});
const quick = { data: { rows: 8, queryLength: 24, length: 48 }, checkpoint: { everySteps: 2 } };
const configOf = (more: object = {}) =>
  stagedConfig({
    ...{ student: { from: 'student' }, distill: { teacher: 'teacher' } },
    synthesize: { decontaminate: { files: [join(out, 'test.csv')] } },
    embed: {
      ...{ vocabSize: 700, dimension: 8, texts: [join(out, 'statutes.txt')], textShare: 1, negatives: 1 },
      ...{ general: { ...quick, steps: 3 }, run: { ...quick, steps: 6 }, ...more },
    },
  });
const at = (path: string) => join(out, 'work/embed', path);
const run = async (config = configOf(), options: ContextOptions = {}) => {
  const context = await stageContext(out, config, embed, options);
  const { figures, details } = await embed.run(context);
  return { figures, details: details as EmbedDetails, context };
};

t.test(
  'pairs of statutes and of the chunks make an embedder that opens, and that the index takes',
  async (t) => {
    const { details, figures, context } = await run();
    const embedder = await openEmbedder(at('embedder'), { threads: 1 });
    t.teardown(() => embedder.close());
    t.equal(embedder.dimension, 8);
    t.ok(details.pairs.pairs > 40 && details.texts!.pairs > 12, JSON.stringify(details.pairs));
    t.ok((details.pairs.byKind.question ?? 0) > 0);
    t.match(details, { program: 'embed', steps: 6, from: at('general/model'), heldOut: [], recall: {} });
    t.equal(figures.steps, 6);
    t.ok((await index.inputs({ ...context, folder: join(out, 'work/index') })).includes(at('embedder')));
  },
);

t.test('stopped and started again, it ends with the same bytes', async (t) => {
  const bytes = () => readFile(at('embedder/model.safetensors'));
  const before = await bytes();
  for (const name of ['model', 'embedder']) await rm(at(name), { recursive: true });
  await rm(at('run'), { recursive: true });
  const stopped = Object.assign(abortedAfterStep(at('run'), 3), {
    throwIfAborted(this: AbortSignal) {
      if (this.aborted) throw new Error('stopped');
    },
  });
  await t.rejects(run(configOf(), { signal: stopped }), { message: 'stopped' });
  await t.rejects(stat(at('embedder')), { code: 'ENOENT' });
  await run();
  t.ok(before.equals(await bytes()), 'gone on with');
  await rm(at(''), { recursive: true });
  await run();
  t.ok(before.equals(await bytes()), 'from the beginning');
});

t.test('families that are held out make no pairs and are measured on', async (t) => {
  const { details, figures } = await run(configOf({ heldOut: 0.4, queries: 10 }));
  t.ok(details.heldOut.length > 0 && details.heldOut.length < 8);
  const lines = (await readFile(at('pairs.jsonl'), 'utf8')).trim().split('\n');
  const pairs = lines.map((line) => JSON.parse(line) as { source: string; negatives: string[] });
  t.notOk(pairs.some(({ source }) => details.heldOut.includes(source)));
  const held = chunks.filter(({ title }) => details.heldOut.includes(familyOf(title)));
  for (const { negatives } of pairs)
    t.notOk(held.some(({ content }) => negatives.some((it) => it.includes(content.slice(-40)))));
  const all = details.recall.hybrid!.at(-1)!;
  t.equal(all.kind, 'all');
  t.ok(all.queries > 0);
  t.equal(Math.round((all.recallAt5.after - all.recallAt5.before) * all.queries), all.gained - all.lost);
  t.match(figures['hybrid recall@5'], / gained, /);
});

t.test('what is like a measured question makes no pair', async (t) => {
  const [first] = (await readFile(at('pairs.jsonl'), 'utf8')).split('\n');
  const { query } = JSON.parse(first!) as { query: string };
  await writeFile(join(out, 'test.csv'), `ID,Question\nT_1,"${query.replaceAll('\n', ' ')}"\n`);
  const { details } = await run();
  t.ok(details.pairs.contaminated > 0);
  t.notOk((await readFile(at('pairs.jsonl'), 'utf8')).includes(JSON.stringify(query)));
});
