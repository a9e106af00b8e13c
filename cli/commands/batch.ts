/**
 * `haetae batch FILE -o FILE`: answers a question file in this process; no server is needed.
 *
 * The answers go to `<output>.partial`, which becomes the output by rename when the last row is written: so
 * the output is complete or absent. Ctrl-C stops at once and leaves the partial file, and says so.
 */
import { Command, Option } from 'commander';

interface BatchCommandOptions {
  output: string;
  format: 'csv' | 'ndjson';
  force?: boolean;
  modelsDir?: string;
  bundle?: string;
  threads?: string;
  deadlineMs?: string;
}

/** @param env of the process, which the program reads in one place. */
export function batchCommand(env: NodeJS.ProcessEnv): Command {
  return new Command('batch')
    .description('answer a question file in this process, without a server')
    .argument('<file>', 'CSV with a header that names ID and Question; UTF-8 or CP949')
    .requiredOption('-o, --output <file>', 'where the answers go')
    .addOption(
      new Option('--format <format>', 'csv: ID,Answer; ndjson: one detailed row a line')
        .choices(['csv', 'ndjson'])
        .default('csv'),
    )
    .option('--force', 'replace the output if it exists')
    .option('--models-dir <folder>', 'folder of the bundles (HAETAE_MODELS_DIR)')
    .option(
      '--bundle <id>',
      'bundle to use: its id, or the name of its pipeline (HAETAE_BUNDLE, default: models/current)',
    )
    .option('--threads <n>', 'threads of the native work (HAETAE_THREADS, default: cores)')
    .option('--deadline-ms <n>', 'time for the whole file (HAETAE_BATCH_DEADLINE_MS, default 270 minutes)')
    .action(async (file: string, options: BatchCommandOptions) => {
      const { readConfig } = await import('../../api/config.js');
      const { findBundleId } = await import('../../shared/bundle/find-bundle.js');
      const { loadRuntime } = await import('../../shared/bundle/load-runtime.js');
      const { answerFile } = await import('../answer-file.js');
      const given = readConfig(env, {
        modelsDir: options.modelsDir,
        bundleId: options.bundle,
        threads: options.threads,
        batchDeadlineMs: options.deadlineMs,
      });
      const { bundleId: named } = given;
      const bundleId = named && ((await findBundleId(given.modelsDir, named)) ?? named);
      const config = { ...given, bundleId };
      const interrupt = new AbortController();
      const onInterrupt = () => {
        if (interrupt.signal.aborted) process.exit(130);
        interrupt.abort(new Error('interrupted'));
      };
      process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt);
      const finished = await answerFile({
        input: file,
        output: options.output,
        mediaType: options.format === 'csv' ? 'text/csv' : 'application/x-ndjson',
        replace: options.force ?? false,
        config,
        loadRuntime,
        signal: interrupt.signal,
        screen: process.stderr,
      });
      process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
      if (!finished) process.exitCode = 130;
    });
}
