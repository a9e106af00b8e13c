/** What the runs of `lm` come to: ratios with the project's budgets first, then what they were made of. */
import type { GrowthRun, ServingRun } from './lm-serving.js';
import type { SpeedRun, SpeedWorkload } from './lm-speed.js';
import { growthPerThousand, pairedRatio, type Spread, spreadOf } from './lm-statistics.js';
import { latencyOf, median } from './measure.js';
import type { Figure } from './report.js';

/** Runs of the contenders at full threads, by round. */
export interface ContenderRuns {
  int4: readonly SpeedRun[];
  /** int4 on ONNX Runtime's kernels, where `int4` ran on our own; else empty. */
  int4Runtime: readonly SpeedRun[];
  fp32: readonly SpeedRun[];
  llama: readonly SpeedRun[];
}

export function ratioFigures({ int4, int4Runtime, fp32, llama }: ContenderRuns, llamaNote: string): Figure[] {
  const versus = (
    key: string,
    theirs: readonly SpeedRun[],
    of: (run: SpeedRun) => number | undefined,
    budget?: Figure['budget'],
  ): Figure => {
    const ratio = pairedRatio(theirs.map(of), int4.map(of));
    const note = ratio === null ? llamaNote : describeSpread(ratio);
    return { key, value: ratio?.median ?? null, ...(budget && { budget }), note };
  };
  return [
    versus('prefillVsLlamaCpp', llama, prefillOf, { atLeast: 1.1 }),
    versus('decodeVsLlamaCpp', llama, stepOf, { atLeast: 0.95 }),
    versus('batch8VsLlamaCpp', llama, batchStepOf, { atLeast: 2 }),
    versus('batch8PrefillVsLlamaCpp', llama, batchPrefillOf),
    versus('loadVsLlamaCpp', llama, ({ loadMs }) => loadMs),
    {
      ...versus('rssVsLlamaCpp', llama, ({ single }) => single.rssMb),
      note: 'theirs over ours, one sequence',
    },
    versus('int4VsFp32', fp32, stepOf, { atLeast: 4 }),
    versus('int4VsFp32Prefill', fp32, prefillOf),
    ...(int4Runtime.length === 0
      ? []
      : [
          versus('prefillVsRuntime', int4Runtime, prefillOf),
          versus('decodeVsRuntime', int4Runtime, stepOf),
          versus('batch8VsRuntime', int4Runtime, batchStepOf),
        ]),
  ];
}

/** Speeds and memory of one contender; none where it did not run. */
export function speedFigures(
  name: string,
  suffix: string,
  runs: readonly SpeedRun[],
  { promptTokens, batch }: SpeedWorkload,
): Figure[] {
  if (runs.length === 0) return [];
  const figures: Figure[] = [];
  const rate = (key: string, tokens: number, of: (run: SpeedRun) => number | undefined) => {
    const rates = runs.flatMap((run) => {
      const ms = of(run);
      return ms === undefined ? [] : [(1000 * tokens) / ms];
    });
    if (rates.length > 0) {
      const spread = spreadOf(rates);
      figures.push({
        key: `${name}${key}TokensPerSecond${suffix}`,
        value: spread.median,
        note: describeSpread(spread),
      });
    }
  };
  rate('Prefill', promptTokens, prefillOf);
  rate('Decode', 1, stepOf);
  rate('Batch8Prefill', promptTokens * batch, batchPrefillOf);
  rate('Batch8Decode', batch, batchStepOf);
  const add = (key: string, values: readonly number[], note?: string) =>
    figures.push({ key: `${name}${key}${suffix}`, value: median(values), ...(note && { note }) });
  const steps = latencyOf(runs.flatMap(({ stepMs }) => stepMs));
  add('StepP50Ms', [steps.p50Ms]);
  add('StepP99Ms', [steps.p99Ms]);
  if (suffix !== '') return figures;
  const loads = runs.map(({ loadMs }) => loadMs);
  add('LoadMs', loads, describeSpread(spreadOf(loads)));
  const [first] = runs as [SpeedRun];
  add('RssMb', [first.single.rssMb], `one sequence; ${describeMemory(first.single)}`);
  add('PeakMb', [first.single.peakMb]);
  if (first.batched !== null) add('BatchPeakMb', [first.batched.peakMb], describeMemory(first.batched));
  return figures;
}

/**
 * Memory of serving one sequence, against its budget.
 * @param fileMb weights of the model folder that was served
 */
export function residentFigure(key: string, { single, singleKvMb }: ServingRun, fileMb: number): Figure {
  return {
    key,
    value: single.rssMb,
    budget: { atMost: Math.round(1.5 * fileMb + singleKvMb) },
    note: `1.5 × ${fileMb.toFixed(0)} MB of weights and ${singleKvMb.toFixed(0)} MB of keys and values; ${describeMemory(single)}`,
  };
}

/** @param fileMb weights of the model folder that was served */
export function servingFigures(serving: ServingRun, growth: GrowthRun, fileMb: number): Figure[] {
  const { single, batched, tokenMs } = serving;
  const first = latencyOf(serving.firstTokenMs);
  return [
    {
      key: 'overheadShare',
      value: serving.overheadShare,
      budget: { atMost: 0.05 },
      note: 'of the time between tokens of one sequence, outside the session',
    },
    { key: 'batchOverheadShare', value: serving.batchOverheadShare },
    { key: 'loadMs', value: serving.loadMs, note: 'decoder, tokenizer and engine' },
    { key: 'firstTokenMs', value: first.p50Ms, note: `p50 of ${first.calls} long prompts` },
    residentFigure('rssMb', serving, fileMb),
    { key: 'rssBareMb', value: serving.bare.rssMb, note: 'the same process before it loads anything' },
    { key: 'rssLoadedMb', value: serving.loaded.rssMb, note: describeMemory(serving.loaded) },
    { key: 'servingPeakMb', value: single.peakMb },
    {
      key: 'servingBatchRssMb',
      value: batched.rssMb,
      note: `${serving.batchedKvMb.toFixed(0)} MB of keys and values; ${describeMemory(batched)}`,
    },
    {
      key: 'growthMb',
      value: growthPerThousand(growth.questions, growth.rssMb),
      budget: { atMost: 8 },
      note: `slope per 1,000 of ${growth.questions.at(-1)} questions in a row; ${describeSpread(spreadOf(growth.rssMb))} MB`,
    },
    { key: 'questionP50Ms', value: growth.questionMs.p50Ms, note: 'small ones, two choices' },
    { key: 'questionP99Ms', value: growth.questionMs.p99Ms },
    { key: 'servingDecodeTokensPerSecond', value: 1000 / median(tokenMs) },
    { key: 'servingBatch8TokensPerSecond', value: serving.batchTokensPerSecond },
  ];
}

const prefillOf = ({ prefillMs }: SpeedRun): number => median(prefillMs);
const stepOf = ({ stepMs }: SpeedRun): number => median(stepMs);
const batchStepOf = ({ batchStepMs }: SpeedRun): number | undefined => batchStepMs ?? undefined;
const batchPrefillOf = ({ batchPrefillMs }: SpeedRun): number | undefined => batchPrefillMs ?? undefined;

const describeSpread = ({ min, max }: Spread): string => `${min.toPrecision(3)} to ${max.toPrecision(3)}`;

const describeMemory = ({ anonMb, fileMb }: { anonMb: number; fileMb: number }): string =>
  `${anonMb.toFixed(0)} MB its own, ${fileMb.toFixed(0)} MB of files`;
