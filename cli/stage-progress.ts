/** Shows how far a stage in another process is: a bar on a terminal, lines elsewhere, and lines of text between. */
import { type Progress, type ProgressStream, startProgress } from '../shared/progress.js';

export interface StageProgressView {
  update(stage: string, label: string, done: number, total: number): void;
  /** A line of text; a bar ends before it. */
  line(text: string): void;
  stop(): void;
}

export function stageProgress(stream: ProgressStream & NodeJS.WritableStream): StageProgressView {
  let shown: { name: string; total: number; done: number; bar: Progress } | undefined;
  const stop = (): void => {
    shown?.bar.stop();
    shown = undefined;
  };
  return {
    update(stage, label, done, total) {
      const name = `${stage}: ${label}`;
      if (shown?.name !== name || shown.total !== total) {
        stop();
        if (total === 0) return;
        shown = { name, total, done: 0, bar: startProgress(`  ${name}`, total, stream) };
      }
      for (; shown.done < done; shown.done++) shown.bar.tick();
      if (shown.done >= total) stop();
    },
    line(text) {
      stop();
      stream.write(`${text}\n`);
    },
    stop,
  };
}
