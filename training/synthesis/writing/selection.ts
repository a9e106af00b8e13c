/** Decides on drafts one after the other: good enough, unlike what is measured on, unlike what was kept before. */
import type { QaDraft, QaPair, Split } from '../../formats/qa-pair.js';
import type { Decontamination, Likeness } from '../decontamination/decontamination.js';
import { pairTexts } from '../decontamination/pair-texts.js';
import { NearDuplicates } from '../quality/near-duplicates.js';
import { documentIdOf } from '../split/document-id.js';
import type { AnsweredRequest } from './write-questions.js';

export interface KeptQuestion {
  qa: QaPair;
  /** The measured question it is most like; null where it shares no 4-gram with any. */
  likest: Likeness | null;
}

export interface DroppedQuestion {
  qaId: string;
  /** A rule's name, `judge`, `duplicate` or `contaminated`. */
  reason: string;
  detail: string;
  score: number;
  split: Split;
  form: string;
  /** Left out where it is like one that is measured on. */
  draft?: Pick<QaDraft, 'question' | 'choices' | 'answer' | 'explanation'>;
}

export interface SelectionOptions {
  teacherModel: string;
  minQuality: number;
  decontamination: Decontamination;
  /** Likeness from which on a question is dropped. */
  jaccard: number;
}

export class Selection {
  readonly kept: KeptQuestion[] = [];
  readonly dropped: DroppedQuestion[] = [];
  /** Of the first draft of each request that gave one. */
  readonly firstScores: number[] = [];
  requests = 0;
  /** Drafts after the first of a request. */
  regenerated = 0;
  /** Requests that gave no draft. */
  unable = 0;
  /** Questions compared with those that are measured on. */
  checked = 0;
  readonly #duplicates = new NearDuplicates();
  readonly #options: SelectionOptions;

  constructor(options: SelectionOptions) {
    this.#options = options;
  }

  /** True where the question is kept. */
  decide({ turn: { chunk, ordinal }, split, outcome }: AnsweredRequest): boolean {
    const { teacherModel, minQuality, decontamination, jaccard } = this.#options;
    const { best, drafts, firstScore } = outcome;
    this.requests += 1;
    if (best === null) {
      this.unable += 1;
      return false;
    }
    this.regenerated += drafts - 1;
    this.firstScores.push(firstScore ?? best.score);
    const { score } = best;
    const qaId = `${chunk.chunkId}/${ordinal}`;
    const { question, answer, choices, statements, explanation, negated, form } = best.draft;
    const { contextChunkIds, difficultyLevel } = best.draft;
    const text = { question, answer, ...(choices && { choices }), ...(explanation && { explanation }) };
    const drop = (reason: string, detail: string, draft?: DroppedQuestion['draft']): false => {
      this.dropped.push({ qaId, reason, detail, score, split, form, ...(draft && { draft }) });
      return false;
    };
    if (score < minQuality) {
      const [worst] = best.flaws;
      return drop(worst?.rule ?? 'score', best.flaws.map(({ reason }) => reason).join('; '), text);
    }
    this.checked += 1;
    const likest = decontamination.likest(pairTexts(text));
    if (likest !== null && likest.likeness >= jaccard)
      return drop('contaminated', `${likest.likeness.toFixed(3)} like ${likest.id} of ${likest.file}`);
    const twin = this.#duplicates.check(qaId, [question, ...(choices ?? [answer])]);
    if (twin) return drop('duplicate', `${twin.likeness.toFixed(3)} like ${twin.id}`, text);
    const qa: QaPair = {
      qaId,
      ...text,
      ...(statements && { statements }),
      negated: choices !== undefined && negated,
      form,
      contextChunkIds,
      documentId: documentIdOf(chunk),
      domain: chunk.domain,
      split,
      teacherModel,
      overallQualityScore: score,
      difficultyLevel,
    };
    this.kept.push({ qa, likest });
    return true;
  }
}
