/** Shows how far a stage in another process is: a bar on a terminal, lines elsewhere, and lines of text between. */
import { type Progress, type ProgressStream, startProgress } from '../shared/progress.js';

export interface StageProgressView {
  update(stage: string, label: string, done: number, total: number): void;
  /** A line of text; a bar ends before it, and is drawn anew behind it. */
  line(text: string): void;
  stop(): void;
}

export function stageProgress(stream: ProgressStream & NodeJS.WritableStream): StageProgressView {
  let name = '';
  let total = 0;
  let done = 0;
  let bar: Progress | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    update(stage, label, nowDone, nowTotal) {
      if (name !== `${stage}: ${label}` || total !== nowTotal || nowDone < done) {
        stop();
        name = `${stage}: ${label}`;
        total = nowTotal;
        done = 0;
      }
      if (nowDone === done) return;
      if (bar === undefined) {
        bar = startProgress(`  ${name}`, total, stream);
        // Of a bar that is drawn anew behind a line.
        for (let i = 0; i < done; i++) bar.tick();
      }
      for (; done < nowDone; done++) bar.tick();
      if (done >= total) stop();
    },
    line(text) {
      if (stream.isTTY) stop();
      stream.write(`${text}\n`);
    },
    stop,
  };
}
