/** Chunks to questions with answers, with a teacher that is open: the stage without its surroundings. */
import { join } from 'node:path';
import { HaetaeError } from '../../../shared/errors.js';
import type { Progress } from '../../../shared/progress.js';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { Journal, writeJsonLines } from '../../formats/json-lines.js';
import type { PipelineConfig } from '../../pipeline/pipeline-config.js';
import { Decontamination } from '../decontamination/decontamination.js';
import type { Judge, QuestionTeacher } from '../question-teacher.js';
import { RequestOutcome } from './request-outcome.js';
import { Selection } from './selection.js';
import { planSynthesis, type SynthesisPlan } from './synthesis-plan.js';
import { writeQuestions } from './write-questions.js';

export const questionsName = 'qa.jsonl';
export const droppedName = 'dropped.jsonl';
/** Of every question kept, the measured one it is most like. */
export const likenessName = 'likeness.jsonl';
const journalName = 'requests.journal.jsonl';

export interface SynthesisOptions {
  chunks: readonly Chunk[];
  config: Pick<PipelineConfig, 'seed' | 'synthesize'>;
  /** Where the files go, and the journal that an interrupted synthesis goes on from. */
  folder: string;
  teacher: QuestionTeacher;
  /** Null: rules alone judge. */
  judge: Judge | null;
  /** Requests at once. */
  concurrency: number;
  signal: AbortSignal;
  progress: Pick<Progress, 'tick'>;
}

export interface Synthesis {
  selection: Selection;
  decontamination: Decontamination;
  documents: SynthesisPlan['documents'];
  /** Questions that are wanted and not there because the chunks are used up. */
  missing: number;
}

/** @throws HaetaeError TRAINING_DATA_INVALID where there is nothing to ask about, or nothing good comes of it */
export async function synthesizeQuestions(options: SynthesisOptions): Promise<Synthesis> {
  const { chunks, config, folder, teacher, judge, concurrency, signal, progress } = options;
  const { minQuality, regenerations, decontaminate } = config.synthesize;
  const { wanted, documents, ...plan } = planSynthesis(chunks, config);
  const decontamination = await Decontamination.open(decontaminate.files);
  const { jaccard } = decontaminate;
  const selection = new Selection({ teacherModel: teacher.name, minQuality, decontamination, jaccard });
  const journal = await Journal.open(join(folder, journalName), RequestOutcome, ({ id }) => id);
  try {
    const { formShare } = config.synthesize;
    const asking = { teacher, judge, minQuality, regenerations, concurrency, formShare, signal };
    const unmet = await writeQuestions(
      wanted,
      { ...plan, ...asking, journal, seed: config.seed },
      (request) => {
        const isKept = selection.decide(request);
        if (isKept) progress.tick(request.turn.chunk.title);
        return isKept;
      },
    );
    await writeFiles(folder, selection);
    return { selection, decontamination, documents, missing: unmet.length };
  } finally {
    await journal.close();
  }
}

async function writeFiles(folder: string, { kept, dropped, unable }: Selection): Promise<void> {
  await writeJsonLines(join(folder, droppedName), dropped);
  if (kept.length === 0) {
    throw new HaetaeError(
      'TRAINING_DATA_INVALID',
      `No question is good enough: ${dropped.length} were dropped (see ${join(folder, droppedName)}), and for ${unable} requests the teacher could write none. Give more documents, or lower synthesize.minQuality.`,
    );
  }
  await writeJsonLines(
    join(folder, likenessName),
    kept.map(({ qa: { qaId }, likest }) => ({ qaId, ...(likest ?? { likeness: 0 }) })),
  );
  await writeJsonLines(
    join(folder, questionsName),
    kept.map(({ qa }) => qa),
  );
}
