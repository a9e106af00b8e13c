/** Tiny runs for tests: run files as objects, data made from a seed, and what a run computed. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { seededRandom } from '../../../shared/random.js';
import { distill } from '../../../training/programs/distill.js';
import { embed } from '../../../training/programs/embed.js';
import { pretrain } from '../../../training/programs/pretrain.js';
import {
  type ProgramDefinition,
  type ProgramOptions,
  type ProgramResult,
  runProgram,
} from '../../../training/programs/run-program.js';
import { sft } from '../../../training/programs/sft.js';
import { readMetrics } from '../../../training/run/metrics-log.js';
import { parseRunFile } from '../../../training/run/read-run-file.js';
import type { CommonRun, Program } from '../../../training/run/run-file-schema.js';

const definitions = { pretrain, sft, distill, embed };
const subjects = ['은행', '금융회사', '전자금융업자', '이용자', '감독원', '정보보호책임자'];
const objects = ['접근매체를', '거래기록을', '비밀번호를', '전산자료를', '약관을', '계좌를'];
const verbs = ['보존한다', '교부한다', '변경한다', '확인한다', '보고한다', '암호화한다'];

/** Sentences of a small grammar, so that a tiny model has something to learn. */
export function sentences(count: number, seed = 1): string[] {
  const random = seededRandom(seed);
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)]!;
  return Array.from(
    { length: count },
    () => `${pick(subjects)}는 ${pick(objects)} ${1 + Math.floor(random() * 5)}년간 ${pick(verbs)}.`,
  );
}

/** Writes `texts.jsonl`, `dialogues.jsonl`, `pairs.jsonl` and `queries.jsonl`. */
export async function writeData(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const lines = sentences(240);
  const other = sentences(240, 2);
  const jsonl = (name: string, rows: readonly object[]) =>
    writeFile(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const split = (line: string) => [line.split(' ').slice(0, 2).join(' '), line.split(' ').slice(2).join(' ')];
  await jsonl(
    'texts.jsonl',
    Array.from({ length: 60 }, (_, i) => ({ text: lines.slice(4 * i, 4 * i + 4).join(' ') })),
  );
  await jsonl(
    'dialogues.jsonl',
    lines.map((line, i) => ({ prompt: split(line)[0], response: split(line)[1], source: `law ${i % 40}` })),
  );
  await jsonl(
    'pairs.jsonl',
    lines.map((line, i) => ({
      ...{ promptId: `p${i}`, prompt: split(line)[0], chosen: split(line)[1], rejected: split(other[i]!)[1] },
      source: `law ${i % 40}`,
    })),
  );
  // Each query and passage once: in a batch no two may be the same.
  await jsonl(
    'queries.jsonl',
    [...new Set(lines)].map((line, i) => ({
      ...{ query: `${split(line)[1]} ${i}호`, positive: `제${i}조 ${i}호 ${line}`, source: `law ${i % 40}` },
    })),
  );
}

/** A run file: what all tiny runs have, and what this one has. */
export function runText(program: Program, output: string, fields: object): string {
  return stringify({
    ...{ program, output, threads: 1, steps: 12, optimizer: { learningRate: 3e-3 } },
    ...{ evaluation: { everySteps: 6, batches: 4 }, checkpoint: { everySteps: 5 } },
    ...fields,
  });
}

export interface TinyRun {
  result: ProgramResult;
  /** What was logged. */
  lines: string[];
  notes: string[];
}

/** Runs a program in this process. */
export async function runTiny(
  program: Program,
  text: string,
  options: Partial<ProgramOptions> & { set?: readonly string[] } = {},
): Promise<TinyRun> {
  const lines: string[] = [];
  const notes: string[] = [];
  const { set = [], ...rest } = options;
  const run: CommonRun = parseRunFile(program, text, 'run.yaml', { set });
  const result = await runProgram(definitions[program] as unknown as ProgramDefinition<CommonRun>, run, {
    ...{ resume: false, dryRun: false, signal: new AbortController().signal },
    ...{ log: (line) => lines.push(line), note: (line) => notes.push(line), resumeCommand: 'RESUME' },
    ...rest,
  });
  return { result, lines, notes };
}

/** Metrics without times. */
export async function figuresOf(output: string): Promise<Record<string, number>[]> {
  return (await readMetrics(output)).map((line) => {
    const { seconds: _, tokensPerSecond: __, ...figures } = line as Record<string, number>;
    return figures;
  });
}

export function trainingLosses(figures: readonly Record<string, number>[]): number[] {
  return figures.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
}

export function validationLosses(figures: readonly Record<string, number>[]): number[] {
  return figures.flatMap(({ validationLoss }) => (validationLoss === undefined ? [] : [validationLoss]));
}

export const tinyShape = { hiddenSize: 32, nLayer: 2, nHead: 4, nKvHead: 2 };

/** A signal that is aborted once so many steps are in the metrics: a test needs no timer. */
export function abortedAfterStep(output: string, step: number): AbortSignal {
  const signal = new AbortController().signal;
  const steps = () => {
    if (!existsSync(join(output, 'metrics.jsonl'))) return 0;
    const lines = readFileSync(join(output, 'metrics.jsonl'), 'utf8').split('\n');
    return lines.filter((line) => line.includes('gradNorm')).length;
  };
  return Object.defineProperty(signal, 'aborted', { get: () => steps() >= step });
}
