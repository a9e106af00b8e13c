/**
 * The output folder of a pipeline of two iterations, as its stages leave it: what the report reads, with figures that
 * are made up. The details are typed by the stages themselves, so that what they tell and what is drawn cannot part.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../../../shared/random.js';
import type { RunRecord, StageRecord } from '../../../shared/training-run/run-record.js';
import type { PipelineConfig } from '../../../training/pipeline/pipeline-config.js';
import { parsePipelineConfig } from '../../../training/pipeline/read-pipeline-config.js';
import type { IndexDetails } from '../../../training/stages/index.js';
import type { Rate } from '../../../shared/evaluation/wilson-interval.js';
import type {
  BundleScores,
  EvaluateDetails,
  GateDetails,
  PublishDetails,
  QuantizeDetails,
  TrainingDetails,
  ValidateDetails,
} from '../../../training/stages/details.js';
import type { PrepareDetails } from '../../../training/stages/prepare.js';
import type { ReformatDetails } from '../../../training/stages/reformat.js';
import type { RespondDetails } from '../../../training/stages/respond.js';
import type { SynthesizeDetails } from '../../../training/stages/synthesize.js';
import { smallCorpus } from '../../fixtures/small-corpus.js';

export interface SampleRun {
  out: string;
  runFolder: string;
  workFolder: string;
  record: RunRecord;
  config: PipelineConfig;
}

export const sampleConfig: PipelineConfig = parsePipelineConfig(
  {
    name: 'finance-guide',
    pretrain: { epochs: 2 },
    sft: {},
    distill: { iterations: 2 },
    publish: { rules: 'contest' },
  },
  'pipeline.yaml',
);

export function rate(correct: number, questions: number): Rate {
  const p = correct / questions;
  const half = 1.96 * Math.sqrt((p * (1 - p)) / questions);
  return { correct, questions, rate: p, low: Math.max(0, p - half), high: Math.min(1, p + half) };
}

const gate: GateDetails = {
  passed: true,
  sentence:
    'The candidate answers 338 of 500 questions, the incumbent 301: 7.4 points more, and more than 0 is asked for.',
  comparison: {
    ...{ candidate: rate(338, 500), incumbent: rate(301, 500), gain: 0.074 },
    ...{ onlyCandidate: 71, onlyIncumbent: 34, pValue: 0.00038 },
  },
  minGain: 0,
};

const prepare: PrepareDetails = {
  totals: {
    ...{ documents: 234, skipped: 2, chunks: 11_842, tokens: 3_912_774 },
    byKind: { article: 6_120, prose: 4_301, table: 702, appendix: 411, control: 101, addendum: 207 },
  },
  skipped: [
    { path: 'guide-md/빈 문서.md', code: 'DOCUMENT_EMPTY', message: 'guide-md/빈 문서.md holds no text.' },
    {
      ...{ path: 'law-pdf/스캔본 전자금융감독규정 시행세칙 별표 서식 모음.pdf', code: 'DOCUMENT_SCANNED' },
      message: 'The pages hold images but no text. Recognise the text first, then take the result.',
    },
  ],
  withoutContent: [],
  missingFiles: ['law-pdf/없는 파일.pdf'],
  licences: [],
  duplicates: 391,
};

const index: IndexDetails = {
  ...{ bundleId: 'default-0f1e2d3c4b5a', chunks: 11_842, dimension: 256, vectorIndex: 'Flat', recallAt10: 1 },
  retrieval: {
    bm25: { queries: 300, recallAt5: 0.81, recallAt10: 0.87, mrr: 0.694, ndcgAt10: 0.731 },
    faiss: { queries: 300, recallAt5: 0.63, recallAt10: 0.71, mrr: 0.502, ndcgAt10: 0.544 },
    hybrid: { queries: 300, recallAt5: 0.84, recallAt10: 0.9, mrr: 0.717, ndcgAt10: 0.758 },
    reranked: { queries: 300, recallAt5: 0.88, recallAt10: 0.92, mrr: 0.781, ndcgAt10: 0.811 },
  },
};

const bell = (bins: number, middle: number, wide: number, height: number) =>
  Array.from({ length: bins }, (_, i) => Math.round(height * Math.exp(-(((i - middle) / wide) ** 2))));

const synthesize: SynthesizeDetails = {
  ...{ wanted: 2_000, kept: 1_961, ranOut: true, requests: 2_402, regenerated: 511, unable: 37 },
  documents: { train: 150, calibration: 19, validation: 21 },
  counts: {
    form: {
      ...{
        definition: 402,
        duty: 388,
        prohibition: 214,
        period: 187,
        number: 164,
        list: 151,
        exception: 122,
      },
      ...{ 'responsible-body': 118, penalty: 97, procedure: 63, purpose: 41, scope: 14 },
    },
    domain: { law: 1_204, security: 402, finance: 219, general: 136 },
    split: { train: 1_568, calibration: 190, validation: 203 },
    choices: { open: 196, 4: 883, 5: 882 },
    position: { 4: [221, 220, 221, 221], 5: [177, 176, 176, 177, 176] },
    negated: { negated: 706, plain: 1_059 },
    difficulty: { 1: 310, 2: 640, 3: 611, 4: 302, 5: 98 },
  },
  scores: {
    before: bell(20, 15, 3, 510),
    after: bell(20, 17, 2, 560).map((n, i) => (i < 14 ? 0 : n)),
    mean: 8.31,
  },
  dropped: { duplicate: 201, grounding: 98, 'answer leaks into the stem': 61, judge: 31, contaminated: 13 },
  decontamination: {
    threshold: 0.3,
    files: ['test.csv', 'dev_mc.csv', 'dev_subjective.csv'].map((name, i) => ({
      path: `data/questions/${name}`,
      sha256: String(i + 1).repeat(64),
      questions: [515, 90, 10][i] ?? 0,
    })),
    ...{ checked: 2_365, comparisons: 2_909_481, dropped: 13 },
    highest: { likeness: 0.287, file: 'data/questions/test.csv', id: 'TEST_117' },
    histogram: [1_022, 588, 214, 84, 40, 13, ...Array.from({ length: 14 }, () => 0)],
  },
  longestIsKey: { share: 0.241, chance: 0.226, questions: 1_765 },
  teacher: { name: 'statute', calls: 2_913, promptTokens: 0, completionTokens: 0, cost: 0 },
};

const respond = (iteration: number): RespondDetails => ({
  iteration,
  prompts: {
    label: { train: 1_411, calibration: 171 },
    verify: { train: 2_804, calibration: 344 },
    open: { train: 157 },
  },
  report: { questions: 1_758, candidates: 4_990, leftOut: { misread: 3, negation: 0, tooLong: 100 } },
  teacher: {
    ...{
      model: 'statute',
      responses: 4_887,
      unanswered: 0,
      finishReasons: { reference: 4_887 },
      meanTokens: 3.4,
    },
    exactMatch: { label: { matches: 1_582, responses: 1_582 }, verify: { matches: 3_148, responses: 3_148 } },
  },
  student: {
    ...{ model: 'work/pretrain/model', responses: 4_880, unanswered: 7, meanTokens: 21.7 },
    finishReasons: { stop: 4_102, length: 778 },
    exactMatch: {
      label: { matches: 410 + iteration * 300, responses: 1_580 },
      verify: { matches: 1_610 + iteration * 200, responses: 3_143 },
    },
  },
  examples: [
    {
      ...{
        promptId: 'qa-00017/label',
        task: 'label',
        reference: '3',
        teacher: '3',
        student: '정답은 2번입니다. 금융회사는',
      },
      prompt:
        '다음 자료를 읽고 물음에 답하시오.\n\n[전자금융거래법 제9조] 금융회사 또는 전자금융업자는 접근매체의 위조나 변조로 발생한 사고로 인하여 이용자에게 손해가 발생한 경우에는 그 손해를 배상할 책임을 진다.\n\n손해배상책임에 관한 설명으로 옳지 않은 것은?\n1. …\n2. …\n3. …\n4. …',
    },
    {
      ...{ promptId: 'qa-00018/open', task: 'open', reference: '이용자의 손해를 배상할 책임을 진다.' },
      ...{
        prompt: '금융회사의 책임을 서술하시오.',
        teacher: '이용자의 손해를 배상할 책임을 진다.',
        student: null,
      },
    },
  ],
});

const reformat = (iteration: number): ReformatDetails => ({
  ...{ iteration, prompts: 4_887, pairs: { train: 4_102, validation: 498 }, identical: 911, strays: 0 },
  kept: {
    label: { train: 1_301, calibration: 160 },
    verify: { train: 2_650, calibration: 338 },
    open: { train: 151 },
  },
  dropped: {
    ...{ repeated: 0, missingTeacher: 0, missingStudent: 7, contradictory: 0, otherPrompt: 0 },
    ...{ truncatedTeacher: 0, emptyTeacher: 0, emptyStudent: 280, unreadable: 0, contaminated: 0 },
  },
  decontamination: { threshold: 0.3, comparisons: 6_793_000, highest: 0.182 },
  documents: { train: 150, validation: 19 },
});

const training = (program: TrainingDetails['program'], first: number, last: number): TrainingDetails => ({
  ...{
    program,
    metrics: 'run/metrics.jsonl',
    report: 'run/report.html',
    steps: 400,
    tokens: 819_200,
    seconds: 171,
  },
  ...{ loss: { first, last }, validationLoss: { first: first + 0.1, last: last + 0.1 }, lora: null },
  ...{
    from: program === 'pretrain' ? null : 'work/pretrain/model',
    teacher: program === 'distill' ? 'work/sft/model' : null,
  },
});

const validate: ValidateDetails = {
  ...{ mode: 'label', chosen: 2, gate },
  students: [
    { name: 'start', precision: 'llama, float32', calibration: rate(48, 190), validation: null },
    { name: 'iteration 1', precision: 'llama, float32', calibration: rate(109, 190), validation: null },
    {
      name: 'iteration 2',
      precision: 'llama, float32',
      calibration: rate(121, 190),
      validation: rate(338, 500),
    },
    { name: 'incumbent', precision: 'llama, int4', calibration: null, validation: rate(301, 500) },
  ],
};

const quantize: QuantizeDetails = {
  ...{ chosen: 2, bits: 4, block: 32, headBits: 8, method: 'GPTQ on training prompts' },
  ...{ bytes: { float32: 27_600_000, checkpoint: 27_600_000, quantized: 5_140_000 }, bitsPerWeight: 5.96 },
  perplexity: { reference: 11.31, quantized: 11.62, ratio: 1.0274, maxRatio: 1.15 },
  choices: {
    questions: 190,
    agreement: 0.947,
    minAgreement: 0.85,
    accuracy: { reference: 0.637, quantized: 0.626 },
  },
  gate: {
    passed: true,
    sentence: 'Perplexity grows by 2.7 %, 94.7 % of the choices stay: both are within the limits.',
  },
};

function scores(bundleId: string, mode: BundleScores['mode'], good: number): BundleScores {
  const share = (of: number, shift: number) => rate(Math.round(of * Math.min(1, good + shift)), of);
  return {
    ...{
      bundleId,
      mode,
      accuracy: share(500, 0),
      shuffled: share(500, -0.012),
      fallbacks: mode === 'evidence' ? 0 : 3,
    },
    domains: [
      { name: 'law', ...share(310, 0.05) },
      { name: 'security', ...share(110, -0.06) },
      { name: 'finance', ...share(52, -0.11) },
      { name: '개인정보 보호', ...share(28, -0.14) },
    ],
    polarity: [
      { name: 'positive', ...share(298, 0.07) },
      { name: 'negated', ...share(202, -0.1) },
    ],
    forms: Object.keys(synthesize.counts.form)
      .slice(0, 8)
      .map((name, i) => ({ name, ...share(40, 0.1 - i * 0.03) })),
    calibration: {
      bins: Array.from({ length: 10 }, (_, i) => ({
        ...{
          from: i / 10,
          to: (i + 1) / 10,
          answers: i < 2 ? 0 : ([20, 60, 90, 110, 90, 70, 40, 20][i - 2] ?? 0),
        },
        confidence: i < 2 ? null : i / 10 + 0.05,
        accuracy: i < 2 ? null : Math.min(1, i / 10 + 0.05 + (good - 0.55) * 0.4),
      })),
      expectedError: Math.abs(good - 0.55) * 0.4,
    },
    open: { questions: 20, keywordRecall: 0.41, cosine: 0.683 },
    latency: mode === 'evidence' ? { p50: 8.2, p99: 21, mean: 9.4 } : { p50: 112, p99: 248, mean: 120 },
  };
}

const evaluate: EvaluateDetails = {
  ...{ mode: 'label', gate, probes: 5 },
  modes: [
    { name: 'evidence', ...rate(93, 190), temperature: null },
    { name: 'label', ...rate(119, 190), temperature: 1.31 },
    { name: 'verify', ...rate(104, 190), temperature: 0.92 },
  ],
  sets: [
    {
      ...{ name: 'validation', questions: 520, candidate: scores('finance-guide-3c9a', 'label', 0.676) },
      baseline: scores('default-0f1e2d3c4b5a', 'evidence', 0.512),
      incumbent: scores('finance-guide-81fe', 'label', 0.602),
    },
    {
      ...{
        name: 'data/questions/dev_mc.csv',
        questions: 90,
        candidate: scores('finance-guide-3c9a', 'label', 0.58),
      },
      ...{ baseline: scores('default-0f1e2d3c4b5a', 'evidence', 0.5), incumbent: null },
    },
  ],
  retrieval: [
    { name: 'heading', queries: 100, recallAt1: 0.71, recallAt3: 0.84, recallAt5: 0.89 },
    { name: 'questions', queries: 500, recallAt1: 0.66, recallAt3: 0.81, recallAt5: 0.86 },
  ],
};

const publish: PublishDetails = {
  ...{ bundleId: 'finance-guide-3c9a', parent: 'finance-guide-81fe', activated: true, unchanged: false },
  ...{
    removed: ['finance-guide-0001'],
    metrics: { validationAccuracy: 0.676, studentPerplexityRatio: 1.0274 },
  },
  licences: [
    {
      ...{ subject: '국가법령정보센터, 84 documents', kind: 'data', licence: 'public-domain' },
      ...{
        released: 'last effective 2025-10-02',
        access: 'public domain',
        restrictions: 'none',
        verdict: 'note',
      },
      remedy: 'Find out whether all of them were published before 2025-08-01.',
    },
    {
      ...{
        subject: '한국인터넷진흥원, 21 documents',
        kind: 'data',
        licence: 'CC-BY-4.0',
        released: 'not recorded',
      },
      ...{ access: 'open', restrictions: 'attribution', verdict: 'ok' },
    },
    {
      ...{
        subject: 'statute',
        kind: 'teacher',
        licence: 'that of what it is made from',
        released: 'not published',
      },
      ...{ access: 'made here', restrictions: 'none of its own', verdict: 'ok' },
    },
  ],
};

type Told = { figures: Record<string, number | string>; details: Record<string, unknown>; rejected?: string };

/** `summary.json` by the id of the stage, in the order of the stages. */
export const sampleSummaries: Readonly<Record<string, Told>> = {
  prepare: { figures: { documents: 234, chunks: 11_842 }, details: prepare },
  index: { figures: { chunks: 11_842, 'recall@5': 0.88 }, details: index },
  synthesize: { figures: { kept: 1_961 }, details: { ...synthesize } },
  pretrain: {
    figures: { loss: 4.127 },
    details: {
      ...training('pretrain', 9.07, 4.127),
      leftOut: { chunks: 12_055, contaminated: 5, highest: 0.297 },
    },
  },
  sft: { figures: { loss: 0.713 }, details: training('sft', 4.2, 0.713) },
  ...Object.fromEntries(
    [1, 2].flatMap((n) => [
      [`respond-${n}`, { figures: { prompts: 4_887 }, details: respond(n) }],
      [`reformat-${n}`, { figures: { pairs: 4_102 }, details: reformat(n) }],
      [`distill-${n}`, { figures: { loss: 0.4 / n }, details: training('distill', 1.4 / n, 0.4 / n) }],
    ]),
  ),
  validate: { figures: { accuracy: 0.676 }, details: validate },
  quantize: { figures: { ratio: 1.0274 }, details: quantize },
  evaluate: { figures: { accuracy: 0.676 }, details: evaluate },
  publish: { figures: { bundle: 'finance-guide-3c9a' }, details: publish },
};

const startedAt = Date.parse('2025-07-31T09:30:00.000Z');

function stageRecords(): StageRecord[] {
  let at = startedAt + 900;
  return Object.entries(sampleSummaries).map(([id, { figures }], i) => {
    const isUnchanged = i < 2;
    const seconds = isUnchanged
      ? 0.04
      : ([41.2, 171.4, 88.1, 61, 0.4, 59.5, 62, 0.4, 58.8, 31.4, 12.2, 77.3, 2.1][i - 2] ?? 5);
    const began = new Date(at).toISOString();
    at += seconds * 1000 + 300;
    return {
      ...{ id, status: isUnchanged ? 'unchanged' : 'done', startedAt: began, seconds, progress: null },
      ...{ figures, error: null },
    } satisfies StageRecord;
  });
}

export function sampleRecord(more: Partial<RunRecord> = {}): RunRecord {
  const stages = stageRecords();
  const last = stages.at(-1);
  const end = new Date(Date.parse(last?.startedAt ?? '') + (last?.seconds ?? 0) * 1000).toISOString();
  return {
    ...{
      runId: '20250731T093000Z-k2m9',
      pipeline: 'finance-guide',
      config: 'training/runs/finance guide.ts',
    },
    ...{
      trigger: 'command',
      status: 'published',
      startedAt: new Date(startedAt).toISOString(),
      heartbeatAt: end,
    },
    ...{
      finishedAt: end,
      pid: 1,
      stages,
      bundleId: 'finance-guide-3c9a',
      outcome: 'published finance-guide-3c9a',
    },
    error: null,
    ...more,
  };
}

/** Writes summaries, curves and chunks below `out`. */
export async function writeSampleRun(out: string, more: Partial<RunRecord> = {}): Promise<SampleRun> {
  const record = sampleRecord(more);
  const workFolder = join(out, 'work');
  for (const [id, summary] of Object.entries(sampleSummaries)) {
    await mkdir(join(workFolder, id), { recursive: true });
    await writeFile(join(workFolder, id, 'summary.json'), JSON.stringify(summary));
    if (typeof summary.details.metrics === 'string') await writeCurves(join(workFolder, id, 'run'));
  }
  await writeFile(
    join(workFolder, 'prepare', 'chunks.jsonl'),
    smallCorpus()
      .map((chunk) => `${JSON.stringify(chunk)}\n`)
      .join(''),
  );
  const runFolder = join(out, 'runs', record.runId);
  await mkdir(runFolder, { recursive: true });
  return { out, runFolder, workFolder, record, config: sampleConfig };
}

async function writeCurves(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const random = seededRandom(7);
  const lines: object[] = [];
  for (let step = 1; step <= 400; step++) {
    const loss = 1.1 + 5 * Math.exp(-step / 90) + (random() - 0.5) * 0.3;
    const seconds = step * 0.42;
    lines.push({
      ...{ step, epoch: step / 200, tokens: step * 2048, loss, gradNorm: 1, tokensPerSecond: 4800, seconds },
      learningRate: 1e-3 * Math.min(1, step / 40) * (1 + Math.cos((Math.PI * step) / 400)) * 0.5,
    });
    if (step % 50 === 0) lines.push({ step, validationLoss: loss + 0.1, validationTokens: 8192, seconds });
  }
  await writeFile(join(folder, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}
