/**
 * Progress of a run on stderr: a bar on a terminal, elsewhere a line for the first step, the last, and every ten
 * seconds between them.
 */
import cliProgress from 'cli-progress';
import type { ProgressStream } from '../../shared/progress.js';
import type { StepMetrics } from './metrics-log.js';

export interface TrainingProgress {
  step(metrics: StepMetrics): void;
  /** A line that stays, above the bar where there is one. */
  note(line: string): void;
  /** Ends the bar. Harmless when called twice. */
  stop(): void;
}

export interface TrainingProgressOptions {
  label: string;
  firstStep: number;
  totalSteps: number;
  stream?: ProgressStream & NodeJS.WritableStream;
  /** Milliseconds, of any origin. */
  now?: () => number;
  /** Least time between two lines where there is no terminal. */
  lineEveryMs?: number;
}

export function startTrainingProgress(options: TrainingProgressOptions): TrainingProgress {
  const { label, firstStep, totalSteps } = options;
  const { stream = process.stderr, now = () => performance.now(), lineEveryMs = 10_000 } = options;
  const started = now();
  const describe = (metrics: StepMetrics): string => {
    const done = metrics.step - firstStep + 1;
    const leftMs = ((now() - started) / done) * (totalSteps - metrics.step);
    return `${figures(metrics)} · ${durationText(leftMs / 1000)} left`;
  };
  if (!stream.isTTY) {
    let last = Number.NEGATIVE_INFINITY;
    return {
      step(metrics) {
        if (metrics.step !== totalSteps && now() - last < lineEveryMs) return;
        last = now();
        stream.write(`${label} ${metrics.step}/${totalSteps} · ${describe(metrics)}\n`);
      },
      note: (line) => stream.write(`${line}\n`),
      stop: () => {},
    };
  }
  const bar = new cliProgress.SingleBar(
    {
      stream,
      format: `${label} {bar} {value}/{total} {figures}`,
      barsize: 16,
      hideCursor: true,
      gracefulExit: false,
      etaBuffer: 1,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(totalSteps, firstStep - 1, { figures: '' });
  let stopped = false;
  return {
    step: (metrics) => bar.update(metrics.step, { figures: describe(metrics) }),
    note(line) {
      stream.write(`\r\u001b[K${line}\n`); // from the start of the bar's line, which is drawn again below
      if (!stopped) bar.render();
    },
    stop() {
      if (stopped) return;
      stopped = true;
      bar.stop();
    },
  };
}

function figures({ loss, tokensPerSecond, gradNorm, learningRate }: StepMetrics): string {
  return (
    `loss ${loss.toFixed(4)} · ${Math.round(tokensPerSecond).toLocaleString('en-US')} tokens/s · ` +
    `grad norm ${gradNorm.toPrecision(3)} · lr ${learningRate.toExponential(2)}`
  );
}

/** `0.4 s`, `45 s`, `12 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function durationText(seconds: number): string {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const first = units.findIndex(([, size]) => whole >= size);
  if (first === -1 || first === 3) return `${whole} s`;
  const [[large, largeSize], [small, smallSize]] = [units[first]!, units[first + 1]!];
  return `${Math.floor(whole / largeSize)} ${large} ${Math.floor((whole % largeSize) / smallSize)} ${small}`;
}
