/** Scores choices by the evidence in the passages: features, then the fitted choice model. */
import { askedText } from '../question/asked-text.js';
import type { Classification } from '../question/question.js';
import type { Embedder } from '../retrieval/embedder.js';
import type { HybridRetriever } from '../retrieval/hybrid-retriever.js';
import type { KeywordIndex } from '../retrieval/keyword-index.js';
import type { Passage } from '../retrieval/retriever.js';
import { cover, weighTerms } from '../text/term-cover.js';
import type { Tokenizer } from '../text/tokenize.js';
import { type ChoiceModel, softmax, utilities } from './choice-model.js';
import type { AnsweringContext, ChoiceScorer, ChoiceScores, Support } from './choice-scorer.js';
import {
  type EvidencePassage,
  type EvidenceQuestion,
  evidenceFeatures,
  type FeatureVector,
  featureNames,
} from './evidence-features.js';
import type { EvidenceSource } from './evidence-source.js';
import { type ExcerptContext, excerptsOf } from './excerpts.js';
import { nearness } from './nearness.js';
import type { PromptPassage } from './student-prompt.js';

export interface EvidenceScorerParts {
  tokenizer: Tokenizer;
  keywords: KeywordIndex;
  embedder: Embedder;
  retriever: Pick<HybridRetriever, 'searchChoices'>;
  source: EvidenceSource;
  model: ChoiceModel;
}

export interface Evidence {
  /** One for each choice, as `support`: how well the passages hold the statement. */
  features: FeatureVector[];
  support: number[];
  /** The passages to cite where this choice (its index) is picked, strongest first. */
  cite(picked: number): Support[];
}

interface Known {
  passages: readonly Passage[];
  question: Promise<EvidenceQuestion>;
}

/** Passages looked at for a stem with one choice. */
const passagesPerChoice = 3;
/** Passages cited at most, and the share of the statement that one must hold to be cited beside the first. */
const maxSupports = 3;
const minStrength = 0.4;
/** What a sentence's agreement with the stem counts beside that with the statement, when one is quoted. */
const stemShare = 0.25;

export class EvidenceScorer implements ChoiceScorer {
  readonly #parts: EvidenceScorerParts;
  readonly #questions = new WeakMap<Classification, Known>();

  constructor(parts: EvidenceScorerParts) {
    this.#parts = parts;
  }

  async score(context: AnsweringContext): Promise<ChoiceScores> {
    const { classification } = context;
    const { features, support, cite } = await this.evidence(context);
    const rows = features.map((feature) => featureNames.map((name) => feature[name]));
    const { model } = this.#parts;
    const probabilities = softmax(utilities(model, rows, classification.negated), model.temperature);
    return {
      choices: classification.choices.map((choice, index) => ({
        number: choice.number,
        text: choice.text,
        probability: probabilities[index] as number,
        support: support[index] as number,
      })),
      supports: cite(probabilities.indexOf(Math.max(...probabilities))),
    };
  }

  /** What the passages say of the choices; whoever scores them cites from it. */
  async evidence({ classification, passages }: AnsweringContext): Promise<Evidence> {
    const question = await this.question(classification, passages);
    const features = evidenceFeatures(question);
    return {
      features,
      support: features.map(({ unitJoint }) => unitJoint),
      cite: (picked) => this.#supports(question, passages, picked, classification.negated),
    };
  }

  /** What the features are computed from; computed once for all that ask about the same reading of a question. */
  question(classification: Classification, passages: readonly Passage[]): Promise<EvidenceQuestion> {
    const known = this.#questions.get(classification);
    if (known?.passages === passages) return known.question;
    const question = this.#question(classification, passages);
    this.#questions.set(classification, { passages, question });
    return question;
  }

  /** What a student reads of the passages. */
  async excerpts({ classification, passages }: ExcerptContext): Promise<PromptPassage[]> {
    return excerptsOf(await this.question(classification, passages));
  }

  async #question(
    { stem, choices }: Classification,
    passages: readonly Passage[],
  ): Promise<EvidenceQuestion> {
    const { tokenizer, keywords, embedder, retriever, source } = this.#parts;
    const asked = askedText(stem);
    const stemTerms = tokenizer.tokenize(asked);
    const terms = choices.map(({ text }) => tokenizer.tokenize(text));
    const own = retriever.searchChoices(stemTerms, terms, passagesPerChoice);
    const texts = choices.map(({ text }) => text);
    const vectors = await embedder.embed(
      [asked, ...texts, ...texts.map((text) => `${asked} ${text}`)],
      'query',
    );
    const windows = await source.windows(passages.map(({ row }) => row));
    const near = nearness(vectors, windows, embedder.dimension);
    return {
      stemTerms,
      choices: choices.map(({ text }, index) => ({
        text,
        terms: terms[index] as (typeof terms)[number],
        passages: Array.from(own[index]?.rows ?? [], (row) => source.passage(row)),
        ...(near[index] as (typeof near)[number]),
      })),
      passages: passages.map(({ row }) => source.passage(row)),
      scores: passages.map(({ scores }) => scores.fused),
      agreed: passages.map(({ scores: { bm25, faiss } }) => bm25 !== null && faiss !== null),
      stem,
      idf: (term) => keywords.idf(term),
    };
  }

  /**
   * The passages to cite: those with the sentence that holds most of the picked statement; for a negated stem,
   * of the other statements, since they are the ones the text supports.
   */
  #supports(
    { choices, passages: texts, stemTerms, idf }: EvidenceQuestion,
    passages: readonly Passage[],
    picked: number,
    negated: boolean,
  ): Support[] {
    const statements = choices
      .filter((_, index) => (index === picked) !== negated)
      .map(({ terms }) => weighTerms(terms.morphemes, idf));
    const stem = weighTerms(stemTerms.morphemes, idf);
    const held = (set: ReadonlySet<string>): number =>
      statements.reduce((sum, statement) => sum + cover(statement, set), 0) / Math.max(1, statements.length);
    const supports = passages.map((passage, index): Support => {
      const { units, morphemes } = texts[index] as EvidencePassage;
      let evidence = '';
      let best = -1;
      for (const unit of units) {
        const value = held(unit.morphemes) + stemShare * cover(stem, unit.morphemes);
        if (value > best) {
          best = value;
          evidence = unit.text;
        }
      }
      return { passage, evidence, strength: held(morphemes) };
    });
    supports.sort((a, b) => b.strength + b.passage.scores.fused - (a.strength + a.passage.scores.fused));
    return supports
      .filter(({ strength }, index) => index === 0 || strength >= minStrength)
      .slice(0, maxSupports);
  }
}
