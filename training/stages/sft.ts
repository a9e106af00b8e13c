/**
 * Stage `sft`: a model that answers as the questions' own answers do; it becomes the teacher of `distill`, where no
 * other is given.
 *
 *   synthesize/qa.jsonl → dialogues.{train,validation}.jsonl, prompts as they are served → run/ → model/
 *
 * It learns from the questions of the split `train`; the loss of those of `calibration` is measured. Those of
 * `validation` take no part.
 */
import { join } from 'node:path';
import { readAllJsonLines, writeJsonLines } from '../formats/json-lines.js';
import { QaPair, type Split } from '../formats/qa-pair.js';
import type { TaskPrompt } from '../formats/task-prompt.js';
import { maxRowTokens, recipeRows } from '../model-stages/distill-recipe.js';
import {
  promptTokens,
  studentShape,
  trainedTokens,
  trainingPrompts,
  trainingSeconds,
} from '../model-stages/estimate-work.js';
import { runTraining, sectionPaths, trainingCode } from '../model-stages/run-training.js';
import { modelName, startStudent } from '../model-stages/student-folders.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { sft as program } from '../programs/sft.js';
import { openPromptBuilder } from '../prompts/prompt-builder.js';

const questionsOf = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string =>
  join(folderOf('synthesize'), 'qa.jsonl');
const modelOf = (place: StagePlace): string => place.config.sft?.model?.from ?? startStudent(place);

export const sft: StageDefinition = {
  name: 'sft',
  about: 'a model learns the answers',
  isWanted: (config) => config.sft !== undefined,
  options: ({ config }) => ({
    ...{ seed: config.seed, sft: config.sft, tasks: config.respond.tasks },
    ...{ contextLength: config.student.contextLength, passages: config.student.passages },
  }),
  inputs: (place) => [
    questionsOf(place),
    join(place.folderOf('index'), 'models'),
    modelOf(place),
    ...sectionPaths(place.config.sft ?? {}).filter((path) => path !== modelOf(place)),
  ],
  outputs: [modelName],
  code: {
    ...trainingCode,
    folders: [
      ...[...trainingCode.folders, '../prompts', '../../shared/answering', '../../shared/question'],
      ...['../../shared/retrieval', '../../shared/text'],
    ],
  },
  async estimate(place) {
    const { config } = place;
    const { steps, epochs = 1, lora } = config.sft ?? {};
    const tokens = trainedTokens(config.sft ?? {}, trainingPrompts(config) * promptTokens(config));
    return {
      facts: [
        ['model', modelOf(place)],
        ['length', steps === undefined ? `${epochs} epochs` : `${steps} steps`],
        ['weights', lora ? 'adapters' : 'all'],
      ],
      seconds: trainingSeconds(await studentShape(config), tokens),
    };
  },
  async run(context) {
    const { folder, config } = context;
    const section = config.sft ?? {};
    const from = modelOf(context);
    const files = section.data?.train
      ? {}
      : await writeDialogues(context, from, {
          train: join(folder, 'dialogues.train.jsonl'),
          calibration: join(folder, 'dialogues.validation.jsonl'),
        });
    return runTraining(context, {
      ...{ definition: program, program: 'sft', section, from },
      defaults: {
        epochs: 1,
        data: { ...files, length: Math.min(config.student.contextLength, maxRowTokens), rows: recipeRows },
      },
      fixed: { model: { from } },
    });
  },
};

/** The data of the run file: a question's prompts with its answer, by the split of its document. */
async function writeDialogues(
  context: StageContext,
  modelFolder: string,
  paths: { train: string; calibration: string },
): Promise<{ train: string[]; validation: string[]; validationFraction: number }> {
  const { config, folderOf, threads, signal, progress } = context;
  const questions = (await readAllJsonLines(questionsOf(context), QaPair)).filter(
    ({ split }) => split !== 'validation',
  );
  const dialogues: Record<'train' | 'calibration', object[]> = { train: [], calibration: [] };
  const builder = await openPromptBuilder({
    ...{ bundleModelsDir: join(folderOf('index'), 'models'), modelFolder, threads },
    ...{ contextLength: config.student.contextLength, passages: config.student.passages },
  });
  const bar = progress('prompts', questions.length);
  try {
    for (const qa of questions) {
      signal.throwIfAborted();
      const prompts = await builder.build(qa, config.respond.tasks);
      dialogues[sideOf(qa.split)].push(...prompts.map(dialogueOf));
      bar.tick();
    }
  } finally {
    bar.stop();
    await builder.close();
  }
  await writeJsonLines(paths.train, dialogues.train);
  await writeJsonLines(paths.calibration, dialogues.calibration);
  const validation = dialogues.calibration.length > 0 ? [paths.calibration] : [];
  return { train: [paths.train], validation, validationFraction: 0 };
}

function sideOf(split: Split): 'train' | 'calibration' {
  return split === 'train' ? 'train' : 'calibration';
}

function dialogueOf({ messages, reference, documentId }: TaskPrompt): object {
  return { messages: [...messages, { role: 'assistant', content: reference }], source: documentId };
}
