import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Value } from 'typebox/value';
import { silentProgress } from '../../../../shared/progress.js';
import type { Chunk } from '../../../../shared/retrieval/chunk.js';
import { readAllJsonLines } from '../../../../training/formats/json-lines.js';
import { QaPair } from '../../../../training/formats/qa-pair.js';
import { PipelineConfig } from '../../../../training/pipeline/pipeline-config.js';
import type { Judge, QuestionTeacher } from '../../../../training/synthesis/question-teacher.js';
import { synthesisDetails } from '../../../../training/synthesis/writing/synthesis-details.js';
import {
  type SynthesisOptions,
  synthesizeQuestions,
} from '../../../../training/synthesis/writing/synthesize-questions.js';
import { ruledCorpus, ruledTeacher } from '../../../fixtures/ruled-corpus.js';

const corpus = ruledCorpus(12, 20);
const usage = { name: 'ruled', calls: 0, promptTokens: 0, completionTokens: 0, cost: 0 };

function settings(questions: number, seed: number, more: object): SynthesisOptions['config'] {
  const synthesize = { questions, decontaminate: { files: [] }, ...more };
  const filled: unknown = Value.Default(PipelineConfig, { name: 'test', seed, synthesize });
  return Value.Parse(PipelineConfig, filled);
}

interface Run extends Partial<Omit<SynthesisOptions, 'config'>> {
  questions?: number;
  seed?: number;
  /** Of the section `synthesize`. */
  more?: object;
}

async function synthesized(folder: string, { questions = 120, seed = 5, more = {}, ...options }: Run = {}) {
  const synthesis = await synthesizeQuestions({
    chunks: corpus,
    config: settings(questions, seed, more),
    folder,
    teacher: ruledTeacher(),
    judge: null,
    concurrency: 1,
    signal: new AbortController().signal,
    progress: silentProgress,
    ...options,
  });
  return {
    ...synthesis,
    details: synthesisDetails(synthesis, 0.3, usage),
    qa: await readAllJsonLines(join(folder, 'qa.jsonl'), QaPair),
  };
}

async function bytes(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).filter((name) => !name.includes('journal')).sort();
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return Object.fromEntries(names.map((name, i) => [name, contents[i] as string]));
}

t.test('questions come in the shares that are wanted, good ones only', async (t) => {
  const { qa, details, selection } = await synthesized(t.testdir());
  t.equal(qa.length, 120);
  t.match(details, {
    kept: 120,
    wanted: 120,
    ranOut: false,
    counts: {
      split: { train: 80, calibration: 20, validation: 20 },
      choices: { open: 12, 4: 54, 5: 54 },
      negated: { negated: 43, plain: 65 },
    },
  });
  for (const counts of Object.values(details.counts.position)) {
    t.ok(Math.max(...counts) - Math.min(...counts) <= 3, counts.join());
  }
  t.ok(qa.every(({ overallQualityScore }) => overallQualityScore >= 7));
  t.equal(new Set(qa.map(({ qaId }) => qaId)).size, 120);
  t.ok(details.regenerated > 10, 'drafts without a question mark are written again');
  t.ok((details.dropped['no question'] ?? 0) > 5, 'and dropped where they never have one');
  t.ok(details.unable > 0);
  t.match(selection.dropped[0], { reason: 'no question', score: 5, draft: { answer: String } });
  t.equal(details.scores.after.slice(0, 14).join(''), '0'.repeat(14));
  t.ok((details.scores.before[10] ?? 0) > 10);
});

t.test('what is just good enough is kept, and written again no more often than allowed', async (t) => {
  const folders = t.testdir({ lenient: {}, strict: {} });
  const lenient = await synthesized(join(folders, 'lenient'), { questions: 40, more: { minQuality: 5 } });
  t.equal(lenient.details.dropped['no question'], undefined);
  const teacher = ruledTeacher();
  await synthesized(join(folders, 'strict'), { teacher, questions: 40, more: { regenerations: 2 } });
  t.equal(Math.max(...teacher.asked.map(({ attempt }) => attempt)), 2);
});

t.test('a teacher hears what was wrong with its drafts', async (t) => {
  const teacher = ruledTeacher();
  await synthesized(t.testdir(), { teacher, questions: 40 });
  const again = teacher.asked.filter(({ attempt }) => attempt > 0);
  t.ok(again.length > 5);
  for (const { attempt, faults } of again) t.same(faults, Array(attempt).fill('the stem does not ask'));
  t.ok(teacher.asked.every(({ attempt, faults }) => attempt > 0 || faults?.length === 0));
});

t.test('no document is in two splits', async (t) => {
  const { qa } = await synthesized(t.testdir());
  const splitOf = new Map(qa.map(({ documentId, split }) => [documentId, split]));
  for (const { documentId, split } of qa) t.equal(split, splitOf.get(documentId));
  t.equal(new Set(splitOf.values()).size, 3);
});

t.test('neither concurrency nor timing changes a byte', async (t) => {
  const plain = t.testdir({ one: {}, many: {} });
  await synthesized(join(plain, 'one'));
  let calls = 0;
  const hasty = ruledTeacher(async () => {
    for (let wait = (calls++ * 7) % 5; wait > 0; wait--) await new Promise(setImmediate);
  });
  await synthesized(join(plain, 'many'), { teacher: hasty, concurrency: 7 });
  t.same(await bytes(join(plain, 'many')), await bytes(join(plain, 'one')));
});

t.test('another seed asks other questions', async (t) => {
  const folder = t.testdir({ one: {}, other: {} });
  const { qa } = await synthesized(join(folder, 'one'));
  const { qa: others } = await synthesized(join(folder, 'other'), { seed: 6 });
  const ids = new Set(qa.map(({ qaId }) => qaId));
  t.ok(others.some(({ qaId }) => !ids.has(qaId)));
});

t.test('stopped anywhere and taken up again, the files are those of an undisturbed run', async (t) => {
  const folders = t.testdir({ whole: {}, stopped: {} });
  const whole = join(folders, 'whole');
  const stopped = join(folders, 'stopped');
  const undisturbed = ruledTeacher();
  await synthesized(whole, { teacher: undisturbed });
  let written = 0;
  for (const stopAt of [1, 40, 130]) {
    const controller = new AbortController();
    const teacher = ruledTeacher(() => {
      written += 1;
      if (written >= stopAt) controller.abort(new Error('asked to stop'));
      controller.signal.throwIfAborted();
    });
    await t.rejects(synthesized(stopped, { teacher, concurrency: 3, signal: controller.signal }), {
      message: 'asked to stop',
    });
    t.notOk((await readdir(stopped)).includes('qa.jsonl'));
    // As a kill in the middle of a write leaves it.
    const journal = join(stopped, 'requests.journal.jsonl');
    const { length } = await readFile(journal);
    if (length > 200) await truncate(journal, length - 100);
  }
  const last = ruledTeacher();
  await synthesized(stopped, { teacher: last });
  t.same(await bytes(stopped), await bytes(whole));
  t.ok(last.asked.length > 0 && last.asked.length < undisturbed.asked.length - 80, `${last.asked.length}`);
});

t.test('a teacher that fails stops the synthesis with its error, and what it wrote stays', async (t) => {
  const folder = t.testdir();
  let calls = 0;
  const teacher = ruledTeacher(() => {
    calls += 1;
    if (calls > 30) throw new Error('no more credit');
  });
  await t.rejects(synthesized(folder, { teacher, concurrency: 4 }), { message: 'no more credit' });
  const journal = await readFile(join(folder, 'requests.journal.jsonl'), 'utf8');
  t.ok(journal.trim().split('\n').length >= 15);
});

t.test('the lower of rules and judge counts, and only what passes the rules is judged', async (t) => {
  let judged = 0;
  const judge: Judge = {
    judge: async ({ question, contextChunkIds }, context) => {
      judged += 1;
      t.equal(context[0]?.chunkId, contextChunkIds[0]);
      return question.includes('제4조')
        ? { score: 3, reasons: ['아무도 틀리지 않을 문제'] }
        : { score: 9.5, reasons: [] };
    },
  };
  const { qa, details, selection } = await synthesized(t.testdir(), { judge });
  t.equal(Math.max(...qa.map(({ overallQualityScore }) => overallQualityScore)), 9.5);
  t.notOk(qa.some(({ question }) => question.includes('제4조')));
  t.ok((details.dropped.judge ?? 0) > 0);
  t.match(
    selection.dropped.find(({ reason }) => reason === 'judge'),
    { score: 3, detail: '아무도 틀리지 않을 문제' },
  );
  t.ok(judged < details.requests + details.regenerated - details.unable, 'not those without a question mark');
});

t.test('what is like a measured question is dropped, and its text is nowhere', async (t) => {
  const folder = t.testdir({ first: {}, second: {} });
  const { qa } = await synthesized(join(folder, 'first'));
  const [stolen] = qa.filter(({ choices }) => choices?.length === 4);
  const choices = stolen?.choices?.toReversed().map((choice, i) => `${i + 1} ${choice}`);
  const file = join(folder, 'test.csv');
  await writeFile(file, `ID,Question\nT_1,"다음에서 고르시오.\n${choices?.join('\n')}"\n`);
  const more = { decontaminate: { files: [file], jaccard: 0.3 } };
  const { qa: clean, details, selection } = await synthesized(join(folder, 'second'), { more });
  t.notOk(clean.some(({ qaId }) => qaId === stolen?.qaId));
  const dropped = selection.dropped.find(({ reason }) => reason === 'contaminated');
  t.match(dropped, { qaId: stolen?.qaId, detail: /like T_1 of/ });
  t.equal(dropped?.draft, undefined);
  const { decontamination } = details;
  t.match(decontamination, { threshold: 0.3, dropped: 1, files: [{ path: file, questions: 1 }] });
  t.ok(decontamination.comparisons >= 2 * decontamination.checked);
  t.ok((decontamination.highest?.likeness ?? 1) < 0.3);
  t.equal(decontamination.histogram.slice(6).join(''), '0'.repeat(14));
  const written = Object.values(await bytes(join(folder, 'second'))).join('');
  t.notOk(written.includes(stolen?.choices?.[0] as string));
});

t.test('a likeness as high as the limit is too high', async (t) => {
  const folder = t.testdir({ first: {}, second: {} });
  const { qa } = await synthesized(join(folder, 'first'), { questions: 40 });
  const stolen = qa.find(({ choices }) => choices?.length === 4);
  const choices = stolen?.choices?.map((choice, i) => `${i + 1} ${choice}`).join('\n');
  const file = join(folder, 'test.csv');
  await writeFile(file, `ID,Question\nT_1,"${stolen?.question}\n${choices}"\n`);
  const more = { decontaminate: { files: [file], jaccard: 1 } };
  const { details } = await synthesized(join(folder, 'second'), { questions: 40, more });
  t.equal(details.decontamination.dropped, 1);
});

t.test('the same question twice is kept once', async (t) => {
  const twins: Chunk[] = corpus.flatMap((chunk) => [chunk, { ...chunk, chunkId: `${chunk.chunkId}b` }]);
  const { qa, details } = await synthesized(t.testdir(), {
    chunks: twins,
    questions: 400,
    more: { perChunk: 1 },
  });
  t.ok((details.dropped.duplicate ?? 0) > 20);
  t.equal(
    new Set(qa.map(({ question, choices }) => [question, choices?.toSorted()].join('\n'))).size,
    qa.length,
  );
});

t.test('when the chunks are used up there are fewer, and a split in need takes from another', async (t) => {
  const few = ruledCorpus(3, 4);
  const { details, missing } = await synthesized(t.testdir(), { chunks: few, questions: 60 });
  t.ok(details.kept < 60 && details.kept > 15, String(details.kept));
  t.equal(missing, 60 - details.kept);
  t.match(details, { ranOut: true, wanted: 60, documents: { train: 1, calibration: 1, validation: 1 } });
  t.ok(Object.values(details.counts.split).every((count) => count > 4));
});

t.test('nothing to ask about, and nothing good, are errors that say what to do', async (t) => {
  const folder = t.testdir();
  await t.rejects(synthesized(folder, { more: { kinds: ['table'] } }), {
    code: 'TRAINING_DATA_INVALID',
    message: /synthesize\.kinds \(table\)/,
  });
  const mute: QuestionTeacher = { name: 'mute', write: async () => null, close: async () => {} };
  await t.rejects(synthesized(folder, { teacher: mute }), {
    code: 'TRAINING_DATA_INVALID',
    message: /No question is good enough: 0 were dropped .* the teacher could write none/,
  });
});
