/**
 * Progress of a long job on stderr: a bar on a terminal, plain lines elsewhere (logs, CI), at most one per
 * tenth of the work. stdout stays free for results.
 */
import cliProgress from 'cli-progress';

export interface Progress {
  /** One more unit is done; `note` names it. */
  tick(note?: string): void;
  /** Ends the bar. Harmless when called twice. */
  stop(): void;
}

export interface ProgressStream {
  isTTY?: boolean;
  write(text: string): unknown;
}

/** Starts a progress display for `total` units. `stream` is a parameter for tests. */
export function startProgress(
  label: string,
  total: number,
  stream: ProgressStream & NodeJS.WritableStream = process.stderr,
): Progress {
  return stream.isTTY ? bar(label, total, stream) : plainLines(label, total, stream);
}

/** Shows nothing: for callers that want silence. */
export const silentProgress: Progress = { tick: () => {}, stop: () => {} };

function bar(label: string, total: number, stream: NodeJS.WritableStream): Progress {
  const single = new cliProgress.SingleBar(
    {
      stream,
      format: `${label} {bar} {value}/{total} {eta_formatted} {note}`,
      hideCursor: true,
      clearOnComplete: false,
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  );
  single.start(total, 0, { note: '' });
  let stopped = false;
  return {
    tick: (note = '') => single.increment(1, { note: note.slice(0, 50) }),
    stop: () => {
      if (stopped) return;
      stopped = true;
      single.update({ note: '' });
      single.stop();
    },
  };
}

function plainLines(label: string, total: number, stream: ProgressStream): Progress {
  let done = 0;
  let shown = 0;
  return {
    tick: () => {
      done += 1;
      const tenth = total === 0 ? 10 : Math.floor((done * 10) / total);
      if (tenth > shown) {
        shown = tenth;
        stream.write(`${label} ${done}/${total}\n`);
      }
    },
    stop: () => {},
  };
}
