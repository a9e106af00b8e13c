/**
 * The contract of scoring choices: the evidence scorer now, the student's modes later (`label`, `continuation`,
 * `verify`). Whoever scores sees the question, the passages that were retrieved, and the time that is left.
 */
import type { Classification } from '../question/question.js';
import type { Passage } from '../retrieval/retriever.js';
import type { AnswerUsage, ScoredChoice } from './answer.js';

export interface AnsweringContext {
  classification: Classification;
  passages: readonly Passage[];
  signal?: AbortSignal;
  /** Milliseconds left for this question; undefined: no limit. */
  remainingMs?: number;
}

/** A passage that speaks for the answer, with the sentence that does. */
export interface Support {
  passage: Passage;
  evidence: string;
  /** 0..1: how much of the answer the sentence holds. */
  strength: number;
}

export interface ChoiceScores {
  /** One for each choice, in the question's order; probabilities sum to 1. */
  choices: ScoredChoice[];
  /** Strongest first. */
  supports: Support[];
  usage?: AnswerUsage;
}

export interface ChoiceScorer {
  score(context: AnsweringContext): Promise<ChoiceScores>;
}

export interface OpenAnswer {
  text: string;
  /** 0..1. */
  confidence: number;
  supports: Support[];
  usage?: AnswerUsage;
}

export interface OpenAnswerer {
  /** `onText` hears each piece of the text as it is made; without it the text comes whole. */
  answer(context: AnsweringContext, onText?: (piece: string) => void): Promise<OpenAnswer>;
}
