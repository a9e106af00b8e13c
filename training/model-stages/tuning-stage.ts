/**
 * What the stages `sft` and `sft-teacher` have in common: prompts of the questions of the split `train` with their
 * answers, on which a model is fine-tuned; the loss of those of `calibration` is measured. Those of `validation` take
 * no part.
 */
import { join } from 'node:path';
import { readAllJsonLines, writeJsonLines } from '../formats/json-lines.js';
import { TaskPrompt } from '../formats/task-prompt.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { sft as program } from '../programs/sft.js';
import { promptsName, writePrompts } from '../prompts/write-prompts.js';
import { maxRowTokens, recipeRows } from './distill-recipe.js';
import {
  promptTokens,
  studentShape,
  trainedTokens,
  trainingPrompts,
  trainingSeconds,
} from './estimate-work.js';
import { runTraining, sectionPaths, trainingCode } from './run-training.js';
import { modelName, startStudent } from './student-folders.js';

export interface Tuning {
  name: 'sft' | 'sft-teacher';
  about: string;
  section(config: PipelineConfig): PipelineConfig['sft'];
  /** What the model is asked. */
  messagesOf(prompt: TaskPrompt): TaskPrompt['messages'];
  /** Folder of a stage that has written the same prompts; undefined: they are written here. */
  promptsOf?(place: StagePlace): string | undefined;
}

export function tuningStage(tuning: Tuning): StageDefinition {
  const sectionOf = ({ config }: Pick<StagePlace, 'config'>) => tuning.section(config) ?? {};
  const modelOf = (place: StagePlace): string => sectionOf(place).model?.from ?? startStudent(place);
  const shared = (place: StagePlace): string | undefined => {
    const folder = tuning.promptsOf?.(place);
    return folder === undefined ? undefined : join(folder, promptsName);
  };
  return {
    name: tuning.name,
    about: tuning.about,
    isWanted: (config) => tuning.section(config) !== undefined,
    options: ({ config }) => ({
      ...{ seed: config.seed, sft: tuning.section(config), tasks: config.respond.tasks },
      ...{ contextLength: config.student.contextLength, passages: config.student.passages },
      ...{ prompts: config.student.prompts, promptsPerTask: config.respond.promptsPerTask },
    }),
    inputs(place) {
      const from = shared(place);
      return [
        ...(from ? [from] : [questionsOf(place), join(place.folderOf('index'), 'models')]),
        modelOf(place),
        ...sectionPaths(sectionOf(place)).filter((path) => path !== modelOf(place)),
      ];
    },
    outputs: [modelName],
    code: {
      ...trainingCode,
      folders: [
        ...[...trainingCode.folders, '../prompts', '../../shared/answering', '../../shared/question'],
        ...['../../shared/retrieval', '../../shared/text'],
      ],
    },
    async estimate(place) {
      const { steps, epochs = 1, lora } = sectionOf(place);
      const tokens = trainedTokens(
        sectionOf(place),
        trainingPrompts(place.config) * promptTokens(place.config),
      );
      return {
        facts: [
          ['model', modelOf(place)],
          ['length', steps === undefined ? `${epochs} epochs` : `${steps} steps`],
          ['weights', lora ? 'adapters' : 'all'],
        ],
        seconds: trainingSeconds(await studentShape(place.config), tokens),
      };
    },
    async run(context) {
      const section = sectionOf(context);
      const from = modelOf(context);
      const files = section.data?.train ? {} : await dataFiles(context, tuning, from, shared(context));
      return runTraining(context, {
        ...{ definition: program, program: 'sft', section, from },
        defaults: {
          epochs: 1,
          data: {
            ...files,
            length: Math.min(context.config.student.contextLength, maxRowTokens),
            rows: recipeRows,
          },
        },
        fixed: { model: { from } },
      });
    },
  };
}

function questionsOf({ folderOf }: Pick<StagePlace, 'folderOf'>): string {
  return join(folderOf('synthesize'), 'qa.jsonl');
}

/** The data of the run file, by the split of a question's document. */
async function dataFiles(
  context: StageContext,
  { messagesOf }: Tuning,
  modelFolder: string,
  shared: string | undefined,
): Promise<{ train: string[]; validation: string[]; validationFraction: number }> {
  const { folder } = context;
  const prompts = shared
    ? await readAllJsonLines(shared, TaskPrompt)
    : await ownPrompts(context, modelFolder);
  const dialogues = (isTrained: boolean): object[] =>
    prompts
      .filter(({ split }) => (split === 'train') === isTrained)
      .map((prompt) => ({
        messages: [...messagesOf(prompt), { role: 'assistant', content: prompt.reference }],
        source: prompt.documentId,
      }));
  const train = join(folder, 'dialogues.train.jsonl');
  const validation = join(folder, 'dialogues.validation.jsonl');
  const measured = dialogues(false);
  await writeJsonLines(train, dialogues(true));
  await writeJsonLines(validation, measured);
  return { train: [train], validation: measured.length > 0 ? [validation] : [], validationFraction: 0 };
}

async function ownPrompts(context: StageContext, modelFolder: string): Promise<TaskPrompt[]> {
  const { folder, config, folderOf, threads, signal, progress } = context;
  const { tasks, promptsPerTask } = config.respond;
  const { contextLength, passages, prompts: wording } = config.student;
  const { prompts } = await writePrompts({
    ...{ folder, threads, signal, seed: config.seed, tasks, count: undefined, perTask: promptsPerTask },
    ...{ contextLength, passages, prompts: wording, modelFolder },
    bundleModelsDir: join(folderOf('index'), 'models'),
    questions: questionsOf(context),
    progress: (total) => progress('prompts', total),
  });
  return prompts;
}
