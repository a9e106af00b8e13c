#!/usr/bin/env node
/** The command line: one program, each command in a file of its own; heavy modules are loaded when they run. */
import { Command } from 'commander';
import { HaetaeError, messageOf } from '../shared/errors.js';
import { readPackageInfo } from '../shared/package-info.js';
import { batchCommand } from './commands/batch.js';
import { modelsCommand } from './commands/models.js';
import { serveCommand } from './commands/serve.js';
import { trainCommand } from './commands/train.js';

const env = process.env;
const program = new Command('haetae')
  .description(
    'Answers Korean financial-security questions over HTTP, and trains the model that answers them.',
  )
  .version(readPackageInfo().version)
  .showHelpAfterError('(haetae --help shows the commands)')
  .addCommand(serveCommand())
  .addCommand(batchCommand(env))
  .addCommand(trainCommand())
  .addCommand(modelsCommand());

program.parseAsync().catch((error: unknown) => {
  const code = error instanceof HaetaeError ? `${error.code}: ` : '';
  process.stderr.write(`haetae: ${code}${messageOf(error)}\n`);
  if (!(error instanceof HaetaeError) && error instanceof Error && env.HAETAE_DEBUG) {
    process.stderr.write(`${error.stack}\n`);
  }
  process.exitCode = error instanceof HaetaeError && error.code === 'USAGE' ? 2 : 1;
});
