/** `haetae train export CONFIG` and `haetae train import DATASET`: pairs to trainers elsewhere, and back. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { defaultFolder } from '../../shared/default-folder.js';
import { HaetaeError } from '../../shared/errors.js';
import type { PipelineConfig } from '../../training/pipeline/pipeline-config.js';
import type { StagePlace } from '../../training/pipeline/stage-definition.js';
import { wholeNumber } from '../number-option.js';

interface ExportArguments {
  for: 'trl' | 'distillm2';
  out: string;
  from?: string;
  iteration?: number;
}

const about = `Writes the pairs of a pipeline (stage reformat) as a folder that trains elsewhere: train.json and test.json in the layout
that the published DistiLLM-2 code (--for distillm2) or TRL (--for trl) reads, a dataset card with licences, and run.sh,
which starts the training on a GPU cluster with the parameters of the pipeline. What comes back: haetae models import.`;

export function exportCommand(): Command {
  return new Command('export')
    .summary('the pairs of a pipeline, for a GPU cluster')
    .description(about)
    .argument('<config>', 'configuration of the pipeline, e.g. training/runs/tiny.ts')
    .addOption(
      new Option('--for <trainer>', 'what is to read it').choices(['trl', 'distillm2']).makeOptionMandatory(),
    )
    .requiredOption('--out <folder>', 'folder to write')
    .option('--from <folder>', 'output folder of the pipeline (default: data/work/training/<its name>)')
    .option('--iteration <n>', 'of respond and reformat (default: the last there is)', wholeNumber(1))
    .action(async (configPath: string, options: ExportArguments) => {
      const { readPipelineConfig } = await import('../../training/pipeline/read-pipeline-config.js');
      const { exportPairs } = await import('../../training/export/export-pairs.js');
      const config = await readPipelineConfig(configPath);
      const place = await reformatPlace(config, options);
      const { train, test, withoutTeacherPrompt, files } = await exportPairs({
        place,
        target: options.for,
        out: options.out,
      });
      print(`${options.out}: ${train} pairs to train on, ${test} to test on (iteration ${place.iteration})`);
      print(`  ${files.join(', ')}`);
      if (withoutTeacherPrompt > 0)
        print(
          `  the teacher's own prompt of ${withoutTeacherPrompt} pairs is left out: other trainers have no place for it`,
        );
      print(`next: copy it to the cluster, and read ${join(options.out, 'README.md')}`);
    });
}

/** The stage `reformat` whose pairs are meant: of the iteration asked for, or of the last that has any. */
async function reformatPlace(
  config: PipelineConfig,
  { from, iteration: asked }: ExportArguments,
): Promise<StagePlace> {
  const { pipelinePlace, stagePlace } = await import('../../training/pipeline/pipeline-place.js');
  const { stageId } = await import('../../training/pipeline/stage-instances.js');
  const { reformat, trainPairsName } = await import('../../training/stages/reformat.js');
  const { iterations } = config.distill;
  if (asked !== undefined && asked > iterations) {
    throw new HaetaeError('USAGE', `--iteration ${asked}: the pipeline has ${iterations}.`);
  }
  const whole = pipelinePlace(from ?? join(defaultFolder('data/work/training'), config.name), config);
  const placeOf = (iteration: number) =>
    stagePlace(whole, config, { id: stageId('reformat', iteration), definition: reformat, iteration }, null);
  if (asked !== undefined) return placeOf(asked);
  for (let iteration = iterations; iteration > 1; iteration--) {
    const place = placeOf(iteration);
    if (await isThere(join(place.folder, trainPairsName))) return place;
  }
  return placeOf(1);
}

const importAbout = `Reads pairs in the layouts that the published DistiLLM-2 code and TRL use (a JSON list, or an object a line, with prompt,
chosen and rejected) and writes them as haetae train distill reads them. Of a folder train.json becomes
pairs.train.jsonl, and test.json, where there is one, pairs.validation.jsonl.`;

export function importCommand(): Command {
  return new Command('import')
    .summary('pairs that were made elsewhere')
    .description(importAbout)
    .argument('<dataset>', 'a file, or a folder with train.json and test.json')
    .requiredOption('--out <folder>', 'folder to write pairs.train.jsonl to')
    .action(async (dataset: string, { out }: { out: string }) => {
      const { importDataset } = await import('../../training/export/import-dataset.js');
      const { writeJsonLines } = await import('../../training/formats/json-lines.js');
      const { trainPairsName, validationPairsName } = await import('../../training/stages/reformat.js');
      const isFolder = await stat(dataset).then(
        (info) => info.isDirectory(),
        () => false,
      );
      const train = await importDataset(isFolder ? join(dataset, 'train.json') : dataset);
      const testPath = join(dataset, 'test.json');
      const test = isFolder && (await isThere(testPath)) ? await importDataset(testPath) : null;
      await writeJsonLines(join(out, trainPairsName), train);
      print(`${join(out, trainPairsName)}: ${train.length} pairs`);
      if (!test) return;
      await writeJsonLines(join(out, validationPairsName), test);
      const trained = new Set(train.map(({ source }) => source));
      const shared = new Set(test.map(({ source }) => source).filter((source) => trained.has(source)));
      const warning = shared.size === 0 ? '' : `; ${shared.size} of their sources are trained on too`;
      print(`${join(out, validationPairsName)}: ${test.length} pairs${warning}`);
    });
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
