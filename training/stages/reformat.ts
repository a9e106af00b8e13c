/**
 * Stage `reformat-N`: the responses of `respond-N` as pairs, which `haetae train distill` and other trainers read.
 *
 *   prompts.jsonl, responses.{teacher,student}.jsonl → pairs.train.jsonl, pairs.validation.jsonl
 *
 * Training pairs are of the split `train`, validation pairs of `calibration`; they share no document.
 */
import { join } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';
import { readAllJsonLines, writeJsonLines } from '../formats/json-lines.js';
import { Response } from '../formats/response.js';
import { TaskPrompt } from '../formats/task-prompt.js';
import type { StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { type DropReason, joinResponses } from '../prompts/join-responses.js';
import { countPrompts, type PromptCounts } from '../prompts/response-figures.js';
import { studentName, teacherName } from '../prompts/response-shards.js';
import { promptsName } from '../prompts/write-prompts.js';
import { Decontamination } from '../synthesis/decontamination/decontamination.js';

export const trainPairsName = 'pairs.train.jsonl';
export const validationPairsName = 'pairs.validation.jsonl';

export type ReformatDetails = {
  iteration: number;
  prompts: number;
  pairs: { train: number; validation: number };
  /** Pairs by task and split. */
  kept: PromptCounts;
  dropped: Record<DropReason, number>;
  /** Pairs whose two responses are equal; they are kept. */
  identical: number;
  /** Responses to prompts that are not there. */
  strays: number;
  /** What the responses were held to; `highest` is the likeness of the likest that stayed. */
  decontamination: { threshold: number; comparisons: number; highest: number };
  /** Documents of each side; none is on both. */
  documents: { train: number; validation: number };
};

const inputsOf = ({ folderOf }: StagePlace): string[] =>
  [promptsName, teacherName, studentName].map((name) => join(folderOf('respond'), name));

export const reformat: StageDefinition = {
  name: 'reformat',
  about: 'responses to pairs',
  isWanted: () => true,
  options: ({ config }) => ({ jaccard: config.synthesize.decontaminate.jaccard }),
  inputs: (place) => [...inputsOf(place), ...place.config.synthesize.decontaminate.files],
  outputs: [trainPairsName, validationPairsName],
  code: {
    folders: [
      ...['../prompts', '../formats', '../synthesis/decontamination', '../../shared/evaluation'],
      ...['../../shared/answering', '../../shared/question'],
      ...['../../shared/retrieval', '../../shared/text', '../../shared/lm', '../../shared/onnx'],
    ],
    libraries: [],
  },
  estimate: async () => ({ facts: [], seconds: 1 }),
  async run(context) {
    const { folder, iteration, signal } = context;
    const [promptsPath, teacherPath, studentPath] = inputsOf(context) as [string, string, string];
    const prompts = await readAllJsonLines(promptsPath, TaskPrompt);
    const { files, jaccard } = context.config.synthesize.decontaminate;
    const decontamination = await Decontamination.open(files);
    let highest = 0;
    const isMeasured = (text: string): boolean => {
      const likeness = decontamination.likest([[text]])?.likeness ?? 0;
      if (likeness < jaccard) highest = Math.max(highest, likeness);
      return likeness >= jaccard;
    };
    const joined = joinResponses(
      prompts,
      await readAllJsonLines(teacherPath, Response),
      await readAllJsonLines(studentPath, Response),
      isMeasured,
    );
    signal.throwIfAborted();
    const { train, validation, dropped, identical, strays } = joined;
    if (train.length === 0) throw noPairs(prompts.length, dropped);
    await writeJsonLines(join(folder, trainPairsName), train);
    await writeJsonLines(join(folder, validationPairsName), validation);
    const kept = new Set([...train, ...validation].map(({ promptId }) => promptId));
    const details: ReformatDetails = {
      ...{ iteration, prompts: prompts.length, dropped, identical, strays },
      pairs: { train: train.length, validation: validation.length },
      kept: countPrompts(prompts.filter(({ promptId }) => kept.has(promptId))),
      decontamination: { threshold: jaccard, comparisons: decontamination.comparisons, highest },
      documents: { train: documentsOf(train), validation: documentsOf(validation) },
    };
    const left = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    return {
      figures: { pairs: train.length, validation: validation.length, dropped: left },
      details,
    };
  },
};

function noPairs(prompts: number, dropped: Record<DropReason, number>): HaetaeError {
  const reasons = Object.entries(dropped).filter(([, count]) => count > 0);
  return new HaetaeError(
    'TRAINING_DATA_INVALID',
    `Of ${prompts} prompts no training pair is left (${reasons.map(([reason, count]) => `${reason} ${count}`).join(', ') || 'none is of the split train'}). Ask for more prompts (respond.prompts), longer responses (respond.maxNewTokens), or another teacher.`,
    { dropped },
  );
}

function documentsOf(pairs: readonly { source: string }[]): number {
  return new Set(pairs.map(({ source }) => source)).size;
}
