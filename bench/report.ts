/**
 * What a part of the bench gives: figures, each with its budget where the project has set one. People read the
 * table; programs read the last line, one JSON object with every figure under its key.
 */
import type { MatmulPrecision } from '../training/autodiff/tape.js';
import type { KernelChoice } from './kernels-in-use.js';

export interface Figure {
  /** camelCase with the unit, e.g. `retrieveP99Ms`; the key of the JSON line. */
  key: string;
  /** Null: it could not be measured here; `note` says why. */
  value: number | null;
  budget?: { atMost: number } | { atLeast: number };
  note?: string;
}

export interface PartReport {
  figures: Figure[];
  /** What the figures were measured on, for people. */
  notes: string[];
}

export interface BenchOptions {
  /** A Python that has `bm25s`. */
  python: string;
  /** A Python that has `faiss`. */
  faissPython: string;
  /** A folder whose `node_modules` has `node-llama-cpp`; null: that peer is left out. */
  llama: string | null;
  /** A Python that has `torch`. */
  torchPython: string;
  /** What the int4 decoders of `lm`, and `train`, compute with. */
  kernels: KernelChoice;
  /** The one precision that `train` measures; null: all there are. */
  precision: MatmulPrecision | null;
  /** Folder for model files: of `lm` some gigabytes that are kept, of `train` some that are not. */
  lmWork: string;
  /** Small sizes, to try the bench itself; its figures mean nothing. */
  quick: boolean;
  /** What servers are started with. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** One part, run in a process of its own. Throws where a contender's results are wrong. */
export type BenchPart = (options: BenchOptions) => Promise<PartReport>;

export type Verdict = 'ok' | 'MISSED' | 'unmeasured' | '';

/** '' where there is no budget. */
export function verdictOf({ value, budget }: Figure): Verdict {
  if (budget === undefined) return '';
  if (value === null || Number.isNaN(value)) return 'unmeasured';
  const kept = 'atMost' in budget ? value < budget.atMost : value >= budget.atLeast;
  return kept ? 'ok' : 'MISSED';
}

/** Figures to three or four digits: what a bench can know. */
export function rounded(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(4));
}

/** One line a figure: key, value, budget, verdict, note. */
export function renderFigures(figures: readonly Figure[]): string[] {
  const width = Math.max(32, ...figures.map(({ key }) => key.length));
  return figures.map((figure) => {
    const { key, budget, note } = figure;
    const limit =
      budget === undefined ? '' : 'atMost' in budget ? `< ${budget.atMost}` : `≥ ${budget.atLeast}`;
    const value = String(rounded(figure.value) ?? 'null');
    const line = `  ${key.padEnd(width)} ${value.padStart(10)}  ${limit.padEnd(8)} ${verdictOf(figure).padEnd(10)}`;
    return `${line} ${note ?? ''}`.trimEnd();
  });
}

/** The JSON line: every figure, then what was missed or not measured, then the machine. */
export function summaryOf(
  reports: ReadonlyMap<string, PartReport>,
  failures: Readonly<Record<string, string>>,
  machine: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const figures = [...reports.values()].flatMap((report) => report.figures);
  const keysWith = (verdict: Verdict) =>
    figures.filter((figure) => verdictOf(figure) === verdict).map(({ key }) => key);
  return {
    ...Object.fromEntries(figures.map(({ key, value }) => [key, rounded(value)])),
    missed: keysWith('MISSED'),
    unmeasured: figures.filter(({ value }) => rounded(value) === null).map(({ key }) => key),
    failures,
    machine,
  };
}
