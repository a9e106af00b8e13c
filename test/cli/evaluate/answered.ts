/** Answers made up for figures that can be reckoned by hand. */
import type { Answered } from '../../../cli/evaluate/ask-questions.js';
import { questionHash } from '../../../cli/evaluate/predictions.js';

interface Made {
  text?: string;
  /** Of the question: a number, or the reference. */
  expected: string;
  answer: string;
  confidence?: number;
  probabilities?: number[];
  domain?: string;
  negated?: boolean;
  keywords?: string[] | null;
  article?: { title: string; section: string } | null;
  choiceCount?: number;
  deal?: number;
  usedFallback?: boolean;
  passages?: string[];
  citations?: string[];
}

let rows = 0;

/** An open question where `choiceCount` is 0, which is the default. */
export function made({ expected, answer, deal = 0, choiceCount = 0, ...more }: Made): Answered {
  rows += 1;
  const isOpen = choiceCount === 0;
  const text = more.text ?? `질문 ${rows}`;
  return {
    deal,
    question: {
      ...{ id: `q.csv:${rows}`, file: 'q.csv', row: rows, text, answer: expected, isOpen, choiceCount },
      ...{ negated: more.negated ?? false, domain: more.domain ?? 'law', form: '' },
      ...{ keywords: more.keywords ?? null, article: more.article ?? null },
    },
    prediction: {
      ...{ bundle: 'b', manifest: 'm', mode: 'evidence', file: 'q.csv', row: rows, deal },
      question: questionHash({ text, answer: expected }),
      type: isOpen ? 'open' : 'multiple-choice',
      ...{ expected, answer, correct: isOpen ? null : answer === expected },
      ...{ confidence: more.confidence ?? 0.5, probabilities: more.probabilities ?? [] },
      ...{ usedFallback: more.usedFallback ?? false, ms: rows },
      ...{ passages: more.passages ?? [], citations: more.citations ?? [] },
    },
  };
}
