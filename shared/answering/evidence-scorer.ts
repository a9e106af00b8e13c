/** Scores choices by the evidence in the passages: features, then the fitted choice model. */
import type { HybridRetriever } from '../retrieval/hybrid-retriever.js';
import type { KeywordIndex } from '../retrieval/keyword-index.js';
import type { Passage } from '../retrieval/retriever.js';
import { askedText } from '../question/asked-text.js';
import type { Terms, Tokenizer } from '../text/tokenize.js';
import { type ChoiceModel, softmax, utilities } from './choice-model.js';
import type { AnsweringContext, ChoiceScorer, ChoiceScores, Support } from './choice-scorer.js';
import {
  coverOf,
  type EvidencePassage,
  type EvidenceQuestion,
  evidenceFeatures,
  featureNames,
} from './evidence-features.js';
import type { EvidenceSource } from './evidence-source.js';

export interface EvidenceScorerParts {
  tokenizer: Tokenizer;
  keywords: KeywordIndex;
  retriever: Pick<HybridRetriever, 'searchChoice'>;
  source: EvidenceSource;
  model: ChoiceModel;
}

/** Passages looked at for a stem with one choice. */
const passagesPerChoice = 3;
/** Passages cited at most, and the share of the statement that a sentence must hold to be cited beside the first. */
const maxSupports = 3;
const minStrength = 0.4;

export class EvidenceScorer implements ChoiceScorer {
  readonly #parts: EvidenceScorerParts;

  constructor(parts: EvidenceScorerParts) {
    this.#parts = parts;
  }

  async score({ classification, passages }: AnsweringContext): Promise<ChoiceScores> {
    const question = this.question(classification, passages);
    const features = evidenceFeatures(question);
    const rows = features.map((feature) => featureNames.map((name) => feature[name]));
    const { model } = this.#parts;
    const probabilities = softmax(utilities(model, rows, classification.negated), model.temperature);
    const picked = probabilities.indexOf(Math.max(...probabilities));
    return {
      choices: classification.choices.map((choice, index) => ({
        number: choice.number,
        text: choice.text,
        probability: probabilities[index] as number,
        support: features[index]?.unitJoint ?? 0,
      })),
      supports: this.#supports(question, passages, picked, classification.negated),
    };
  }

  /** What the features are computed from; also used to fit the model. */
  question(
    classification: AnsweringContext['classification'],
    passages: readonly Passage[],
  ): EvidenceQuestion {
    const { tokenizer, keywords, retriever, source } = this.#parts;
    const stemTerms = tokenizer.tokenize(askedText(classification.stem));
    const choices = classification.choices.map(({ text }) => ({ text, terms: tokenizer.tokenize(text) }));
    return {
      stem: classification.stem,
      stemTerms,
      choices,
      passages: passages.map(({ row, scores }) => ({ ...source.at(row), score: scores.fused })),
      choicePassages: choices.map(({ terms }) => {
        const { rows } = retriever.searchChoice(stemTerms, terms, passagesPerChoice);
        return Array.from(rows, (row): EvidencePassage => ({ ...source.at(row), score: 1 }));
      }),
      idf: (term) => keywords.idf(term),
    };
  }

  /**
   * The passages to cite: those with the sentence that holds most of the picked statement; for a negated stem,
   * of the other statements, since they are the ones the text supports.
   */
  #supports(
    question: EvidenceQuestion,
    passages: readonly Passage[],
    picked: number,
    negated: boolean,
  ): Support[] {
    const wanted: Terms[] = negated
      ? question.choices.filter((_, index) => index !== picked).map(({ terms }) => terms)
      : question.choices.filter((_, index) => index === picked).map(({ terms }) => terms);
    const supports = passages.map((passage, index): Support & { order: number } => {
      const text = question.passages[index] as EvidencePassage;
      let evidence = '';
      let best = -1;
      for (const unit of text.units) {
        const held = average(wanted.map((terms) => coverOf(terms.morphemes, unit.morphemes, question.idf)));
        const context = coverOf(question.stemTerms.morphemes, unit.morphemes, question.idf);
        if (held + 0.25 * context > best) {
          best = held + 0.25 * context;
          evidence = unit.text;
        }
      }
      const strength = average(wanted.map((terms) => coverOf(terms.morphemes, text.morphemes, question.idf)));
      return { passage, evidence, strength, order: strength + passage.scores.fused };
    });
    supports.sort((a, b) => b.order - a.order);
    return supports
      .filter(({ strength }, index) => index === 0 || strength >= minStrength)
      .slice(0, maxSupports)
      .map(({ passage, evidence, strength }) => ({ passage, evidence, strength }));
  }
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
