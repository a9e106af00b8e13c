/**
 * Stage `synthesize`: chunks to questions with answers.
 *
 *   prepare/chunks.jsonl → qa.jsonl        the questions kept, each of one split
 *                          dropped.jsonl   the others, with the reason
 *                          likeness.jsonl  of each question kept, the measured one it is most like
 *
 * The teacher is asked about chunk after chunk; what it writes is scored by rules (see `quality/`) and, where it is a
 * model, by the teacher as judge; what is not good enough is written again, then dropped. Questions like one kept
 * before or like one that is measured on are dropped. `requests.journal.jsonl` holds what came of each request to a
 * model, so that an interrupted stage goes on where it was; the statute teacher is sooner asked again.
 */
import { join } from 'node:path';
import { readChunks } from '../../shared/retrieval/chunk-file.js';
import type { StageDefinition, StagePlace, StageSummary } from '../pipeline/stage-definition.js';
import { openTeacher } from '../synthesis/writing/open-teacher.js';
import { type SynthesizeDetails, synthesisDetails } from '../synthesis/writing/synthesis-details.js';
import {
  droppedName,
  likenessName,
  questionsName,
  type Synthesis,
  synthesizeQuestions,
} from '../synthesis/writing/synthesize-questions.js';

export type { DecontaminationProof, SynthesizeDetails } from '../synthesis/writing/synthesis-details.js';

/** Measured with the statute teacher on the bundled corpus, one core: 8,000 in 65 s. */
const statuteQuestionsPerSecond = 120;

export const synthesize: StageDefinition = {
  name: 'synthesize',
  about: 'questions with answers, from the texts',
  isWanted: () => true,
  options: ({ config: { seed, synthesize } }) => ({
    seed,
    synthesize: { ...synthesize, teacher: identityOf(synthesize.teacher) },
  }),
  inputs({ config: { synthesize }, ...place }) {
    const { teacher, decontaminate } = synthesize;
    return [chunksOf(place), ...decontaminate.files, ...(teacher.kind === 'local' ? [teacher.model] : [])];
  },
  outputs: [questionsName, droppedName, likenessName],
  code: {
    folders: [
      ...['../synthesis', '../formats', '../data', '../evaluation', '../../shared/evaluation'],
      ...['../../shared/question', '../../shared/text', '../../shared/retrieval'],
      ...['../../shared/lm', '../../shared/onnx'],
    ],
    libraries: [],
  },
  async estimate({ config: { synthesize } }) {
    const { teacher, questions } = synthesize;
    return {
      facts: [
        ['questions', String(questions)],
        ['teacher', teacher.kind === 'statute' ? 'statute' : teacher.model],
      ],
      seconds: teacher.kind === 'statute' ? Math.ceil(questions / statuteQuestionsPerSecond) : null,
    };
  },
  async run(context) {
    const { config, folder, signal, log } = context;
    const chunks = await readChunks(chunksOf(context));
    const teacher = await openTeacher(context, chunks);
    const progress = context.progress('questions', config.synthesize.questions);
    try {
      const { questions, judge, concurrency } = teacher;
      const asking = { teacher: questions, judge, concurrency };
      const synthesis = await synthesizeQuestions({ chunks, config, folder, signal, progress, ...asking });
      const { jaccard } = config.synthesize.decontaminate;
      const summary = summaryOf(synthesis, synthesisDetails(synthesis, jaccard, teacher.usage()));
      for (const [name, value] of Object.entries(summary.figures)) log(`${name}: ${value}`);
      return summary;
    } finally {
      progress.stop();
      await teacher.close();
    }
  },
};

/** Without what only says how it is asked. */
function identityOf(teacher: StagePlace['config']['synthesize']['teacher']): Record<string, unknown> {
  switch (teacher.kind) {
    case 'statute':
      return { kind: teacher.kind };
    case 'openai':
      return { kind: teacher.kind, baseUrl: teacher.baseUrl, model: teacher.model };
    case 'local':
      return { kind: teacher.kind, model: teacher.model, contextLength: teacher.contextLength };
  }
}

function chunksOf({ folderOf }: Pick<StagePlace, 'folderOf'>): string {
  return join(folderOf('prepare'), 'chunks.jsonl');
}

function summaryOf({ missing }: Synthesis, details: SynthesizeDetails): StageSummary {
  const { kept, dropped, regenerated, scores, counts, decontamination, longestIsKey } = details;
  return {
    figures: {
      kept,
      ...(missing > 0 ? { missing: `${missing}: the chunks are used up` } : {}),
      dropped: Object.values(dropped).reduce((sum, count) => sum + count, 0),
      regenerated,
      'mean quality': scores.mean,
      train: counts.split.train,
      calibration: counts.split.calibration,
      validation: counts.split.validation,
      'highest likeness': decontamination.highest?.likeness.toFixed(3) ?? 'nothing to compare with',
      'longest is right': `${longestIsKey.share} (by chance ${longestIsKey.chance})`,
    },
    details: { ...details },
  };
}
