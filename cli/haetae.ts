#!/usr/bin/env node
/** The command line: one program, each command in a file of its own; heavy modules are loaded when they run. */
import { Command } from 'commander';
import { HaetaeError, messageOf } from '../shared/errors.js';
import { readPackageInfo } from '../shared/package-info.js';
import { batchCommand } from './commands/batch.js';
import { evaluateCommand } from './commands/evaluate.js';
import { lmCommand } from './commands/lm.js';
import { mergeCommand } from './commands/merge.js';
import { modelsCommand } from './commands/models.js';
import { quantizeCommand } from './commands/quantize.js';
import { scheduleCommand } from './commands/schedule.js';
import { serveCommand } from './commands/serve.js';
import { trainCommand } from './commands/train.js';

const env = process.env;
// `haetae … | head` closes the pipe early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
const program = new Command('haetae')
  .description(
    'Answers Korean financial-security questions over HTTP, and trains the model that answers them.',
  )
  .version(readPackageInfo().version)
  .showHelpAfterError('(haetae --help shows the commands)')
  .addCommand(serveCommand())
  .addCommand(batchCommand(env))
  .addCommand(evaluateCommand(env))
  .addCommand(trainCommand(env))
  .addCommand(scheduleCommand(env))
  .addCommand(modelsCommand(env))
  .addCommand(quantizeCommand())
  .addCommand(mergeCommand())
  .addCommand(lmCommand(env));

// Commander reports wrong usage itself; it exits with 2 here, as other programs do.
for (const command of everyCommand(program)) {
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

program.parseAsync().catch((error: unknown) => {
  const code = error instanceof HaetaeError ? `${error.code}: ` : '';
  process.stderr.write(`haetae: ${code}${messageOf(error)}\n`);
  if (!(error instanceof HaetaeError) && error instanceof Error && env.HAETAE_DEBUG) {
    process.stderr.write(`${error.stack}\n`);
  }
  process.exitCode = error instanceof HaetaeError && error.code === 'USAGE' ? 2 : 1;
});
