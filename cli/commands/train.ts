/** `haetae train …`: the offline stages, each a program of its own; heavy modules are loaded when they run. */
import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { defaultFolder } from '../../shared/default-folder.js';
import { prepareCommand } from '../../training/prepare/prepare-command.js';
import { wholeNumber } from '../number-option.js';
import { evaluate } from './evaluate.js';
import { exportCommand, importCommand } from './train-export.js';
import { trainModelCommands } from './train-model.js';
import { stageCommands, trainRunCommand } from './train-run.js';

const defaults = {
  work: defaultFolder('data/work'),
  raw: defaultFolder('data/raw'),
  embedder: defaultFolder('models/weights/default/embedder'),
};

/** @param env of the process, which the program reads in one place. */
export function trainCommand(env: NodeJS.ProcessEnv = {}): Command {
  const models = env.HAETAE_MODELS_DIR || defaultFolder('models');
  const train = new Command('train')
    .summary('the offline stages: documents to an index, and data to models')
    .description(stages)
    .addCommand(trainRunCommand(env))
    .addCommand(prepareCommand())
    .addCommand(indexCommand(models))
    .addCommand(ensureCommand(models))
    .addCommand(fitEvidenceCommand(models))
    .addCommand(calibrateCommand(models))
    .addCommand(evaluateCommand(models, env))
    .addCommand(evaluateRetrievalCommand(models));
  for (const command of [...trainModelCommands(), ...stageCommands(env)]) train.addCommand(command);
  return train.addCommand(exportCommand()).addCommand(importCommand());
}

const stages = `The offline stages. Each reads files and writes files.

All of it:                  run (a pipeline: documents to a published bundle), or one stage of a pipeline: synthesize,
                            respond, reformat, validate, quantize, publish
Elsewhere:                  export (pairs for a GPU cluster), import (pairs of others)
What the API answers from:  prepare (documents to chunks), index (chunks to a bundle), ensure (both, where needed)
How well it answers:        evaluate, evaluate-retrieval, fit-evidence, calibrate
Models, from a run file:    pretrain (a language model from text), sft (to answer prompts), distill (from a teacher),
                            embed (an encoder for retrieval)

Every command explains itself with --help.`;

interface IndexArguments {
  work: string;
  modelsDir: string;
  embedder?: string;
  retrainEmbedder?: boolean;
  force?: boolean;
  threads: number;
}

function indexCommand(models: string): Command {
  return new Command('index')
    .description('chunks -> embedder, FAISS index, BM25 -> a bundle the API can load')
    .option('--work <folder>', 'where chunks.jsonl is', defaults.work)
    .option('--models-dir <folder>', 'folder of the bundles (HAETAE_MODELS_DIR)', models)
    .option('--embedder <folder>', 'a Hugging Face encoder folder with ONNX, instead of the default embedder')
    .option('--retrain-embedder', 'make an embedder from the present chunks, the default one from then on')
    .option('--force', 'build even where nothing changed')
    .option('--threads <n>', 'threads of native work', wholeNumber(1), availableParallelism())
    .action(async (options: IndexArguments) => {
      const { buildIndex } = await import('../../training/index/build-index.js');
      const report = await buildIndex({
        workDir: options.work,
        modelsDir: options.modelsDir,
        ...(options.embedder ? { embedder: options.embedder } : {}),
        shippedEmbedder: defaults.embedder,
        retrainEmbedder: options.retrainEmbedder === true,
        force: options.force === true,
        threads: options.threads,
        log,
      });
      log(
        report.skipped
          ? `index: bundle ${report.bundleId} is up to date (${report.chunks} chunks)`
          : `index: wrote bundle ${report.bundleId} (${report.chunks} chunks) in ${report.seconds.toFixed(1)} s. Next: npm start`,
      );
    });
}

function ensureCommand(models: string): Command {
  return new Command('ensure')
    .description('prepare and index data/raw if the bundle is absent or its inputs changed')
    .option('--raw <folder>', 'documents', defaults.raw)
    .option('--work <folder>', 'intermediate files', defaults.work)
    .option('--models-dir <folder>', 'folder of the bundles (HAETAE_MODELS_DIR)', models)
    .option('--embedder <folder>', 'the default embedder', defaults.embedder)
    .action(async (options: { raw: string; work: string; modelsDir: string; embedder: string }) => {
      const { lastPrepareOptions, prepare } = await import('../../training/prepare/prepare.js');
      const { startProgress } = await import('../../shared/progress.js');
      await prepare({
        rawDir: options.raw,
        outDir: options.work,
        ...(await lastPrepareOptions(options.work)),
        progress: (total) => startProgress('prepare', total),
      });
      const { buildIndex } = await import('../../training/index/build-index.js');
      const report = await buildIndex({
        workDir: options.work,
        modelsDir: options.modelsDir,
        shippedEmbedder: options.embedder,
        threads: availableParallelism(),
        weights: defaultFolder('models/weights/default'),
        keepChosen: true,
        log,
      });
      log(
        `index: bundle ${report.bundleId} ${report.skipped ? 'is up to date' : `written in ${report.seconds.toFixed(1)} s`}`,
      );
    });
}

function fitEvidenceCommand(models: string): Command {
  return new Command('fit-evidence')
    .description('fit the choice model on the authored validation questions (data/validation)')
    .option('--models-dir <folder>', 'folder of the bundles (HAETAE_MODELS_DIR)', models)
    .option('--questions <folder>', 'authored questions with answers', defaultFolder('data/validation'))
    .option(
      '-o, --out <file>',
      'where to write the model',
      defaultFolder('shared/answering/evidence-model.json'),
    )
    .action(async (options: { modelsDir: string; questions: string; out: string }) => {
      const { fitEvidence } = await import('../../training/evidence/fit-evidence.js');
      await fitEvidence({ ...options, log });
    });
}

interface CalibrateArguments {
  modelsDir: string;
  bundle?: string;
  questions: string;
  mode?: 'label' | 'continuation' | 'verify';
  limit?: number;
  threads: number;
}

function calibrateCommand(models: string): Command {
  return new Command('calibrate')
    .description('fit how sure the student says it is, on the authored validation questions')
    .option('--models-dir <folder>', 'folder of the bundles (HAETAE_MODELS_DIR)', models)
    .option('--bundle <id>', 'default: the active one')
    .option('--questions <folder>', 'authored questions with answers', defaultFolder('data/validation'))
    .addOption(
      new Option('--mode <mode>', "how choices are scored; it becomes the bundle's").choices([
        'label',
        'continuation',
        'verify',
      ]),
    )
    .option('--limit <n>', 'a sample of this many questions', wholeNumber(1))
    .option('--threads <n>', 'threads of native work', wholeNumber(1), availableParallelism())
    .action(async ({ bundle, ...options }: CalibrateArguments) => {
      const { calibrateStudent } = await import('../../training/student-calibration/calibrate-student.js');
      await calibrateStudent({ ...options, ...(bundle === undefined ? {} : { bundleId: bundle }), log });
    });
}

interface OneFileArguments {
  modelsDir: string;
  bundle?: string;
  shuffles: number;
  threads: number;
}

function evaluateCommand(models: string, env: NodeJS.ProcessEnv): Command {
  return new Command('evaluate')
    .description('as haetae evaluate --questions FILE, which has more options')
    .argument('[file]', 'CSV with Question and Answer', defaultFolder('data/questions/dev_mc.csv'))
    .option('--models-dir <folder>', 'folder of the bundles (HAETAE_MODELS_DIR)', models)
    .option('--bundle <id>', 'default: the active one')
    .option('--shuffles <n>', 'also measure over this many shuffles of the choices', wholeNumber(0), 0)
    .option('--threads <n>', 'threads of native work', wholeNumber(1), availableParallelism())
    .action(async (file: string, { modelsDir, ...options }: OneFileArguments) =>
      evaluate({ ...options, questions: [file], models: modelsDir, seed: 1, speed: true }, env),
    );
}

function evaluateRetrievalCommand(models: string): Command {
  return new Command('evaluate-retrieval')
    .description('article recall of BM25, FAISS and hybrid, on queries made from the statutes')
    .option('--models-dir <folder>', 'folder of the bundles (HAETAE_MODELS_DIR)', models)
    .option('--queries <n>', 'queries of each kind', wholeNumber(1), 300)
    .option('--seed <n>', 'seed of the sample', wholeNumber(0), 1)
    .option('--except-seed <n>', 'leave out the queries of the sample of this seed', wholeNumber(0))
    .action(async (options: { modelsDir: string; queries: number; seed: number; exceptSeed?: number }) => {
      const { retrievalTable } = await import('../../training/evaluation/retrieval-table.js');
      await retrievalTable({
        modelsDir: options.modelsDir,
        perKind: options.queries,
        seed: options.seed,
        ...(options.exceptSeed === undefined ? {} : { exceptSeed: options.exceptSeed }),
        log,
      });
    });
}

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}
