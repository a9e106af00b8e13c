/**
 * Stage `distill-N`: the student learns the distribution of its teacher from the pairs of `reformat-N`.
 *
 *   pairs.{train,validation}.jsonl, the student so far, the teacher → run/ → model/
 *
 * Without `distill.run` the published recipe is followed, with adapters (`distill-recipe.ts`). A section takes the
 * place of its fields one by one, but as in a run file only a `lora` in it makes adapters; else all weights learn.
 *
 * A loss over single responses (`forward_kl`, …) learns from the teacher's ones of the same pairs.
 */
import { join } from 'node:path';
import { readJsonLines, writeJsonLines } from '../formats/json-lines.js';
import { ResponsePair } from '../formats/response-pair.js';
import { type LossConfig, needsPairs, resolveLoss } from '../losses/loss-config.js';
import {
  maxRowTokens,
  recipeFields,
  recipeLora,
  recipeLoss,
  recipeRows,
} from '../model-stages/distill-recipe.js';
import {
  promptTokens,
  studentShape,
  trainedTokens,
  trainingPrompts,
  trainingSeconds,
} from '../model-stages/estimate-work.js';
import { runTraining, sectionPaths, trainingCode } from '../model-stages/run-training.js';
import { distillTeacher, modelName, studentAfter } from '../model-stages/student-folders.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { distill as program } from '../programs/distill.js';

const pairFiles = { train: 'pairs.train.jsonl', validation: 'pairs.validation.jsonl' } as const;
const pairsOf = ({ folderOf }: Pick<StagePlace, 'folderOf'>, name: keyof typeof pairFiles): string =>
  join(folderOf('reformat'), pairFiles[name]);
const studentOf = (place: StagePlace): string => studentAfter(place, place.iteration - 1);

export const distill: StageDefinition = {
  name: 'distill',
  about: 'the student learns the distribution of its teacher',
  isWanted: () => true,
  options: ({ config }) => ({
    ...{ seed: config.seed, run: config.distill.run, contextLength: config.student.contextLength },
  }),
  inputs: (place) => [
    pairsOf(place, 'train'),
    pairsOf(place, 'validation'),
    studentOf(place),
    distillTeacher(place),
    ...sectionPaths(place.config.distill.run ?? {}),
  ],
  outputs: [modelName],
  code: trainingCode,
  async estimate(place) {
    const { config } = place;
    const { steps, epochs = recipeFields.epochs } = config.distill.run ?? {};
    // Both responses of a pair, and the teacher's forward pass beside the student's.
    const tokens =
      2.7 * trainedTokens(config.distill.run ?? {}, trainingPrompts(config) * promptTokens(config));
    return {
      facts: [
        ['student', studentOf(place)],
        ['teacher', distillTeacher(place)],
        ['length', steps === undefined ? `${epochs} epochs` : `${steps} steps`],
      ],
      seconds: trainingSeconds(await studentShape(config), tokens),
    };
  },
  async run(context) {
    const { config } = context;
    const section: NonNullable<typeof config.distill.run> = config.distill.run ?? { lora: recipeLora };
    const from = studentOf(context);
    const teacher = distillTeacher(context);
    const loss = (section.loss ?? recipeLoss) as LossConfig;
    const files = section.data?.train ? {} : await dataFiles(context, needsPairs(resolveLoss(loss)));
    const { loss: _, ...rest } = section;
    return runTraining(context, {
      ...{ definition: program, program: 'distill', section: rest, from, teacher },
      defaults: {
        ...recipeFields,
        data: {
          ...files,
          length: Math.min(config.student.contextLength, maxRowTokens),
          rows: recipeRows,
        },
      },
      fixed: { loss, model: { from }, teacher: { ...section.teacher, from: teacher } },
    });
  },
};

async function dataFiles(
  context: StageContext,
  asPairs: boolean,
): Promise<{ train: string[]; validation: string[]; validationFraction: number }> {
  const paths = asPairs
    ? { train: pairsOf(context, 'train'), validation: pairsOf(context, 'validation') }
    : {
        train: await writeChosen(context, 'train'),
        validation: await writeChosen(context, 'validation'),
      };
  const measured = (await isEmpty(pairsOf(context, 'validation'))) ? [] : [paths.validation];
  return { train: [paths.train], validation: measured, validationFraction: 0 };
}

/** Writes the teacher's response to each prompt as a dialogue, and returns the path. */
async function writeChosen(context: StageContext, name: keyof typeof pairFiles): Promise<string> {
  const path = join(context.folder, `dialogues.${name}.jsonl`);
  const dialogues: object[] = [];
  for await (const { chosen, teacherPrompt, source } of readJsonLines(pairsOf(context, name), ResponsePair)) {
    dialogues.push({ messages: chosen, ...(teacherPrompt ? { teacherPrompt } : {}), source });
  }
  await writeJsonLines(path, dialogues);
  return path;
}

async function isEmpty(path: string): Promise<boolean> {
  for await (const _ of readJsonLines(path, ResponsePair)) return false;
  return true;
}
