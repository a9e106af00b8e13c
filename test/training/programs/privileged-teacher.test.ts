/** Distillation from a teacher that reads another prompt, against distributions that the student runtime gives one by one. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import { openTokenizer } from '../../../shared/lm/tokenizer.js';
import { DecoderTeacher } from '../../../training/teacher/decoder-teacher.js';
import {
  abortedAfterStep,
  figuresOf,
  runText,
  runTiny,
  sentences,
  tinyShape,
  validationLosses,
  writeData,
} from './tiny-runs.js';

const root = t.testdir({});
const at = (name: string) => join(root, name);
const [student, teacher] = [at('student/model'), at('teacher/model')];

interface Item {
  prompt: string;
  chosen: string;
  rejected: string;
  teacherPrompt?: string;
}

/** Answers of one token and of several; equal ones and others; some without a prompt of the teacher's own. */
const items: Item[] = sentences(40, 7).map((line, i) => {
  const prompt = line.split(' ').slice(0, 2).join(' ');
  const rest = line.split(' ').slice(2).join(' ');
  const answer = i % 3 === 0 ? rest : ['O', 'X'][i % 2]!;
  return {
    ...{ prompt, chosen: answer, rejected: i % 4 === 0 ? (i % 8 === 0 ? 'X' : '약관을 확인한다.') : answer },
    ...(i % 5 === 0 ? {} : { teacherPrompt: `${line} ${sentences(1 + (i % 3), i).join(' ')} ${prompt}` }),
  };
});

t.before(async () => {
  await writeData(at('data'));
  const jsonl = (name: string, rows: readonly object[]) =>
    writeFile(at(name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await jsonl(
    'held.jsonl',
    items.map((item, i) => ({ ...item, promptId: `h${i}`, source: `held ${i}` })),
  );
  await jsonl(
    'pairs.jsonl',
    items.map((item, i) => ({ ...item, promptId: `p${i}` })),
  );
  const dialogue = ({ chosen, rejected: _, ...item }: Item) => ({ ...item, response: chosen });
  await jsonl(
    'held-dialogues.jsonl',
    items.map((item, i) => ({ ...dialogue(item), source: `held ${i}` })),
  );
  await jsonl(
    'dialogues.jsonl',
    items.map((item, i) => ({ ...dialogue(item), source: `law ${i}` })),
  );
  const data = { train: [at('data/texts.jsonl')], validationFraction: 0, length: 48, rows: 4 };
  const fields = {
    model: { shape: { ...tinyShape, maxPositions: 512 } },
    tokenizer: { vocabSize: 400 },
    data,
  };
  await runTiny('pretrain', runText('pretrain', at('student'), { ...fields, steps: 6 }));
  const more = { model: { from: student }, data, steps: 12 };
  await runTiny('pretrain', runText('pretrain', at('teacher'), more));
});

const logSoftmax = (logits: Float32Array): Float64Array => {
  const largest = Math.max(...logits);
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
  return Float64Array.from(logits, (value) => value - largest - Math.log(sum));
};

const opened = new Map<string, DecoderTeacher>();
t.teardown(async () => {
  for (const decoder of opened.values()) await decoder.close();
});

/** By the chat template of the tokenizers that are learnt here. */
const rendered = (prompt: string) => `<|im_start|>user\n${prompt}<|im_end|>\n<|im_start|>assistant\n`;

/** Log-probabilities behind a prompt, at each token of an answer and of its end. */
async function answerLogProbs(model: string, prompt: string, answer: string): Promise<Float64Array[]> {
  const tokenizer = await openTokenizer(join(model, 'tokenizer.json'));
  const { eosTokenIds } = await readDecoderConfig(model);
  const [before, behind] = await tokenizer.encodeBatch([rendered(prompt), answer], {
    addSpecialTokens: false,
  });
  const tokens = [...before!, ...behind!, eosTokenIds[0]!];
  const options = { student: { folder: model, vocabSize: 400 }, threads: 1 };
  const decoder = opened.get(model) ?? (await DecoderTeacher.open(model, options));
  opened.set(model, decoder);
  const positions = behind!.length + 1;
  const logits = await decoder.sequenceLogits(tokens, before!.length - 1, positions);
  return Array.from({ length: positions }, (_, i) => logSoftmax(logits.subarray(400 * i, 400 * (i + 1))));
}

const divergences = {
  forward_kl: (p: Float64Array, q: Float64Array) => sum(p, (v, i) => Math.exp(v) * (v - q[i]!)),
  reverse_kl: (p: Float64Array, q: Float64Array) => sum(q, (v, i) => Math.exp(v) * (v - p[i]!)),
  generalised_jsd: (p: Float64Array, q: Float64Array) =>
    sum(p, (v, i) => {
      const mixed = Math.log((Math.exp(v) + Math.exp(q[i]!)) / 2);
      return (Math.exp(v) * (v - mixed) + Math.exp(q[i]!) * (q[i]! - mixed)) / 2;
    }),
  skew_forward_kl: (p: Float64Array, q: Float64Array) =>
    sum(p, (v, i) => Math.exp(v) * (v - Math.log(0.1 * Math.exp(v) + 0.9 * Math.exp(q[i]!)))),
  skew_reverse_kl: (p: Float64Array, q: Float64Array) =>
    sum(q, (v, i) => Math.exp(v) * (v - Math.log(0.9 * Math.exp(p[i]!) + 0.1 * Math.exp(v)))),
};

function sum(values: Float64Array, of: (value: number, i: number) => number): number {
  return values.reduce((total, value, i) => total + of(value, i), 0);
}

/** Of each token of an answer. */
async function naive(item: Item, answer: string, kind: keyof typeof divergences): Promise<number[]> {
  const p = await answerLogProbs(teacher, item.teacherPrompt ?? item.prompt, answer);
  const q = await answerLogProbs(student, item.prompt, answer);
  return p.map((of, i) => divergences[kind](of, q[i]!));
}

async function inTurn<T>(of: readonly Item[], work: (item: Item) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const item of of) results.push(await work(item));
  return results;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
/** Steps that change nothing: what is measured is the student it began with. */
const still = { steps: 1, optimizer: { learningRate: 1e-12 }, evaluation: { everySteps: 0, batches: 50 } };
const shape = { rows: 2, length: 160 };

for (const kind of ['forward_kl', 'reverse_kl', 'generalised_jsd'] as const) {
  t.test(`${kind} compares teacher and student at the same tokens of the answer`, async (t) => {
    const data = { ...shape, train: [at('dialogues.jsonl')], validation: [at('held-dialogues.jsonl')] };
    const fields = { model: { from: student }, data, loss: { name: kind }, ...still };
    const output = at(kind);
    const teachers = [
      { from: teacher, length: 400 },
      { from: teacher, length: 400, cache: at('c'), cacheType: 'float32' },
    ];
    const expected = mean((await inTurn(items, (item) => naive(item, item.chosen, kind))).flat());
    for (const [i, from] of teachers.entries()) {
      const { lines } = await runTiny(
        'distill',
        runText('distill', `${output}-${i}`, { ...fields, teacher: from }),
      );
      t.ok(lines.length > 0);
      const found = validationLosses(await figuresOf(`${output}-${i}`)).at(-1)!;
      t.ok(Math.abs(found / expected - 1) < 1e-4, `${found}, one by one ${expected}`);
    }
  });
}

t.test('where responses count alike, each is a mean over its own tokens', async (t) => {
  const data = { ...shape, train: [at('dialogues.jsonl')], validation: [at('held-dialogues.jsonl')] };
  const fields = { model: { from: student }, data, loss: { name: 'forward_kl' }, weighting: 'responses' };
  const text = runText('distill', at('alike'), {
    ...fields,
    ...still,
    teacher: { from: teacher, length: 400 },
  });
  await runTiny('distill', text);
  const found = validationLosses(await figuresOf(at('alike'))).at(-1)!;
  const expected = mean(
    await inTurn(items, async (item) => mean(await naive(item, item.chosen, 'forward_kl'))),
  );
  t.ok(Math.abs(found / expected - 1) < 1e-4, `${found}, one by one ${expected}`);
});

for (const form of ['released', 'paper'] as const) {
  t.test(`DistiLLM-2 (${form}) does, for pairs of equal responses too`, async (t) => {
    const data = { ...shape, train: [at('pairs.jsonl')], validation: [at('held.jsonl')] };
    const fields = { model: { from: student }, data, ...still, teacher: { from: teacher, length: 400 } };
    const loss = { name: 'distillm2', form };
    await runTiny('distill', runText('distill', at(form), { ...fields, loss }));
    const found = validationLosses(await figuresOf(at(form))).at(-1)!;
    const expected = mean(
      await inTurn(items, async (item) => {
        const skl = mean(await naive(item, item.chosen, 'skew_forward_kl'));
        return skl + mean(await naive(item, item.rejected, 'skew_reverse_kl'));
      }),
    );
    t.ok(Math.abs(found / expected - 1) < 1e-4, `${found}, one by one ${expected}`);
  });
}

t.test('what the teacher sees more changes what is learnt, and goes on from a kill to the bit', async (t) => {
  const data = { ...shape, train: [at('pairs.jsonl')], validation: [at('held.jsonl')] };
  const fields = { model: { from: student }, data, teacher: { from: teacher, length: 400 }, steps: 12 };
  const loss = { name: 'distillm2', form: 'paper' };
  await runTiny('distill', runText('distill', at('a'), { ...fields, loss }));
  const figures = await figuresOf(at('a'));
  const validation = validationLosses(figures);
  t.ok(validation.at(-1)! < validation[0]!, validation.join(' '));
  const again = runText('distill', at('b'), { ...fields, loss });
  await runTiny('distill', again, { signal: abortedAfterStep(at('b'), 3) });
  await runTiny('distill', again, { resume: true });
  t.strictSame(await figuresOf(at('b')), figures);
});
