/** `haetae schedule CONFIG`: pipelines by the clock. What it needs is loaded when it runs. */
import { Command } from 'commander';
import type { HistoryEntry } from '../../training/schedule/history.js';
import { withInterrupt } from '../interrupt.js';
import { wholeNumber } from '../number-option.js';

interface ScheduleArguments {
  list?: boolean;
  history?: boolean;
  limit: number;
  json?: boolean;
  run?: string;
}

const text = `Runs pipelines by the clock, one at a time, until it is stopped. The configuration is YAML, JSON or a TypeScript
module: jobs with a pipeline each, cron (with a time zone) or an interval, retries, a webhook.

Example of a configuration:
  jobs:
    - name: nightly
      pipeline: training/runs/tiny.ts
      cron: '0 3 * * *'
      timezone: Asia/Seoul
      retry: { attempts: 3, delay: 5m }`;

const after = `
To stop: SIGTERM or Ctrl-C; a run at work is asked to stop and waited for, a second signal does not wait
Writes:  data/work/schedule/history.jsonl and logs/, unless the configuration names another folder as history
Exit status of --run: that of haetae train run`;

/** @param env of the process, where secrets of webhooks come from. */
export function scheduleCommand(env: NodeJS.ProcessEnv = {}): Command {
  return new Command('schedule')
    .summary('run pipelines by the clock')
    .description(text)
    .argument('<config>', 'YAML, JSON, or a TypeScript module')
    .option('--list', 'show the jobs and when they come due next, and end')
    .option('--run <job>', 'run one job now, once, and end')
    .option('--history', 'show what became of the runs, and end')
    .option('--limit <n>', 'of the history, the last so many', wholeNumber(1), 20)
    .option('--json', 'with --list and --history: as JSON')
    .addHelpText('after', after)
    .action((config: string, options: ScheduleArguments) => schedule(config, options, env));
}

async function schedule(path: string, options: ScheduleArguments, env: NodeJS.ProcessEnv): Promise<void> {
  if (options.history) return showHistory(path, options);
  const { readSchedule } = await import('../../training/schedule/read-schedule.js');
  const config = await readSchedule(path, env);
  if (options.list) {
    const { jobLines, jobTimes } = await import('../schedule-text.js');
    const times = jobTimes(config.jobs, new Date());
    return print(options.json ? [JSON.stringify(times, null, 2)] : jobLines(times));
  }
  const { runJobNow, runSchedule } = await import('../../training/schedule/run-schedule.js');
  await withInterrupt(async (signal) => {
    const running = { schedule: config, signal, log: (line: string) => print([line]) };
    if (options.run === undefined) {
      await runSchedule(running);
      process.exitCode = 0; // it was asked to stop, and did
    } else {
      process.exitCode = exitCodes[(await runJobNow(running, options.run)).status];
    }
  });
}

const exitCodes: Record<HistoryEntry['status'], number> = {
  ...{ running: 1, published: 0, finished: 0, rejected: 3, interrupted: 130, failed: 1, skipped: 1 },
};

async function showHistory(path: string, { limit, json }: ScheduleArguments): Promise<void> {
  const { readScheduleConfig } = await import('../../training/schedule/read-schedule.js');
  const { readHistory } = await import('../../training/schedule/history.js');
  const { history } = await readScheduleConfig(path);
  const { entries, unreadable } = await readHistory(history);
  const last = entries.slice(-limit);
  if (json) return print([JSON.stringify(last, null, 2)]);
  const { historyLines } = await import('../schedule-text.js');
  print(last.length === 0 ? [`Nothing has come due yet (${history}).`] : historyLines(last));
  if (unreadable > 0) process.stderr.write(`${unreadable} lines of the history cannot be read\n`);
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
