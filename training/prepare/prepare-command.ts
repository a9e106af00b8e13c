/** `haetae train prepare`: the command line of the stage; what it needs is loaded when it runs. */
import { join } from 'node:path';
import { Command } from 'commander';
import { defaultFolder } from '../../shared/default-folder.js';
import { startProgress } from '../../shared/progress.js';
import type { PrepareReport } from './prepare.js';

interface Flags {
  raw: string;
  out: string;
  allow: string[];
  allowUnknown?: boolean;
  strict?: boolean;
  force?: boolean;
}

export function prepareCommand(): Command {
  return new Command('prepare')
    .description('read documents, check their licences, cut them into chunks.jsonl')
    .option('--raw <folder>', 'documents and sources.csv', defaultFolder('data/raw'))
    .option('--out <folder>', 'where chunks.jsonl, the report and the cache go', defaultFolder('data/work'))
    .option(
      '--allow <licence>',
      'allow this licence too (may be given several times)',
      (value: string, before: string[]) => [...before, value],
      [] as string[],
    )
    .option('--allow-unknown', 'take documents whose licence is not known')
    .option('--strict', 'exit with 1 if any document was skipped')
    .option('--force', 'run even if nothing changed, and parse every document anew')
    .action(async (flags: Flags) => {
      const { prepare } = await import('./prepare.js');
      const stop = new AbortController();
      const onSignal = (): void => {
        process.stderr.write('\nprepare: stopping; run the same command again to go on from here\n');
        process.exitCode = 130;
        stop.abort();
      };
      process.once('SIGINT', onSignal);
      process.once('SIGTERM', onSignal);
      const started = performance.now();
      try {
        const report = await prepare({
          rawDir: flags.raw,
          outDir: flags.out,
          allow: flags.allow,
          allowUnknown: flags.allowUnknown ?? false,
          strict: flags.strict ?? false,
          force: flags.force ?? false,
          signal: stop.signal,
          progress: (total) => startProgress('prepare', total),
        });
        process.stdout.write(summary(report, flags.out, (performance.now() - started) / 1000));
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      } finally {
        process.off('SIGINT', onSignal);
        process.off('SIGTERM', onSignal);
      }
    });
}

/** What a run tells the user at its end. */
export function summary(report: PrepareReport, outDir: string, seconds: number): string {
  const { totals } = report;
  const lines: string[] = [];
  if (report.unchanged)
    lines.push('prepare: nothing changed since the last run, skipped (--force runs it anyway)');
  const cached = report.files.filter((file) => file.cached).length;
  lines.push(
    `prepare: ${totals.documents} documents, ${totals.chunks} chunks, ${totals.tokens} tokens` +
      (report.unchanged ? '' : ` in ${seconds.toFixed(1)} s (${cached} from the cache)`),
  );
  for (const { path, code, message } of report.skipped.slice(0, 20)) {
    lines.push(`  skipped ${message.startsWith(path) ? '' : `${path}: `}${message} [${code}]`);
  }
  if (report.skipped.length > 20) lines.push(`  … and ${report.skipped.length - 20} more, see the report`);
  if (report.missingFiles.length > 0) {
    lines.push(
      `  ${report.missingFiles.length} rows of sources.csv name a file that is not there, see the report`,
    );
  }
  if (report.withoutContent.length > 0) {
    lines.push(`  ${report.withoutContent.length} documents hold no content of their own, see the report`);
  }
  const result = `${join(outDir, 'chunks.jsonl')}, ${join(outDir, 'prepare.report.json')}`;
  lines.push(`${report.unchanged ? 'kept ' : 'wrote'}  ${result}`, 'next   haetae train index', '');
  return lines.join('\n');
}
