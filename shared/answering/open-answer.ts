/**
 * Open answers from evidence: the sentences that hold most of what was asked, restated with their source.
 *
 * Sentences are chosen by maximal marginal relevance (Carbonell, Goldstein 1998): idf-weighted cover of the
 * question's terms, plus the passage's retrieval score, minus overlap with what was chosen before. They are then
 * restated: amendment notes, item marks and references in brackets go, list items become one sentence, and the
 * source is named. Retrieved text is never returned verbatim.
 */
import { askedText } from '../question/asked-text.js';
import type { KeywordIndex } from '../retrieval/keyword-index.js';
import { cover, weighTerms } from '../text/term-cover.js';
import type { Tokenizer } from '../text/tokenize.js';
import type { AnsweringContext, OpenAnswer, OpenAnswerer, Support } from './choice-scorer.js';
import type { TermText } from './evidence-features.js';
import type { EvidenceSource } from './evidence-source.js';
import { clean, restate } from './restate.js';

export interface EvidenceOpenAnswererParts {
  tokenizer: Tokenizer;
  keywords: KeywordIndex;
  source: EvidenceSource;
}

const maxSentences = 3;
const maxLength = 400;
const redundancyWeight = 0.5;
const minCover = 0.12;
/** A whole sentence tells more than an item of a list, which needs the words above it. */
/** A question of fewer different terms says too little to be sure of its answer. */
const specificTerms = 4;
const sentenceBonus = 0.15;

interface Candidate {
  unit: TermText;
  support: Support;
  relevance: number;
}

export class EvidenceOpenAnswerer implements OpenAnswerer {
  readonly #parts: EvidenceOpenAnswererParts;

  constructor(parts: EvidenceOpenAnswererParts) {
    this.#parts = parts;
  }

  async answer({ classification, passages }: AnsweringContext): Promise<OpenAnswer> {
    const { tokenizer, keywords, source } = this.#parts;
    // One more than the idf: in a small collection what every document holds has next to none, and a single word of
    // the question that none holds would outweigh all that its only passage answers.
    const asked = weighTerms(
      tokenizer.tokenize(askedText(classification.stem)).morphemes,
      (term) => 1 + keywords.idf(term),
    );
    const candidates: Candidate[] = [];
    for (const passage of passages) {
      for (const unit of source.passage(passage.row).units) {
        const strength = cover(asked, unit.morphemes);
        if (strength < minCover || !isStatement(unit)) continue;
        candidates.push({
          unit,
          support: { passage, evidence: unit.text, strength },
          relevance:
            strength +
            0.3 * passage.scores.fused +
            0.02 * Math.min(10, unit.morphemes.size) +
            (isSentence(unit.text) ? sentenceBonus : 0),
        });
      }
    }
    const chosen = chooseDiverse(candidates);
    const supports = chosen.map(({ support }) => support);
    const text = restate(supports, maxLength);
    // A word or two are covered by chance.
    const specific = Math.min(1, asked.weights.size / specificTerms);
    return { text, confidence: (supports[0]?.strength ?? 0) * specific, supports };
  }
}

/** A heading or a mark has fewer than four terms; so has a short statement (`백업은 매일 한다.`), which ends in 다. */
function isStatement({ text, morphemes }: TermText): boolean {
  return morphemes.size >= 4 || (morphemes.size >= 2 && /다[.。]?$/u.test(clean(text)));
}

/** Ends as a statement does, notes in brackets aside. */
function isSentence(text: string): boolean {
  return /(?:다|요|음|함|임)[.。]?$/u.test(clean(text));
}

function chooseDiverse(candidates: readonly Candidate[]): Candidate[] {
  const rest = [...candidates];
  const chosen: Candidate[] = [];
  while (chosen.length < maxSentences && rest.length > 0) {
    const value = ({ relevance, unit }: Candidate): number =>
      relevance -
      redundancyWeight * Math.max(0, ...chosen.map((other) => jaccard(unit.morphemes, other.unit.morphemes)));
    let best = 0;
    for (let i = 1; i < rest.length; i++)
      if (value(rest[i] as Candidate) > value(rest[best] as Candidate)) best = i;
    chosen.push(...rest.splice(best, 1));
  }
  return chosen;
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const term of a) if (b.has(term)) shared++;
  return shared / Math.max(1, a.size + b.size - shared);
}
