/** An evaluation as lines for people. */
import type { Latency } from '../../shared/evaluation/latency.js';
import type { Accuracy, ChoiceFigures } from './choice-figures.js';
import type { Evaluation } from './evaluate-bundle.js';
import type { OpenFigures, OpenScores } from './open-figures.js';
import type { ArticleRecall, RetrievalFigures } from './retrieval-figures.js';

export function evaluationText(evaluation: Evaluation): string[] {
  const { bundleId, mode, student, files, questions, choices, open, recall } = evaluation;
  return [
    `${bundleId}: ${mode}${student === null ? ', no language model' : `, ${student}`}`,
    `${questions} ${questions === 1 ? 'question' : 'questions'} of ${files.join(', ')}`,
    ...(choices ? choiceLines(choices) : []),
    ...(open ? openLines(open) : []),
    ...(recall ? recallLines(recall) : []),
    ...servingLines(evaluation),
  ];
}

function choiceLines(choices: ChoiceFigures): string[] {
  const { byDomain, byType, ece, brier, logLikelihood, reliability, shuffled, trivial } = choices;
  const groups = [...Object.entries(byDomain), ...Object.entries(byType)];
  return [
    '',
    'Multiple choice (accuracy, 95 % interval by Wilson)',
    row('all', accuracyText(choices)),
    ...groups.map(([name, accuracy]) => row(name, accuracyText(accuracy))),
    ...(shuffled === null
      ? []
      : [row('choices dealt anew', `${shuffled.deals.map((value) => figure(value)).join(' ')}`)]),
    row('the longest choice', `${figure(trivial.longestChoice)}, by chance ${figure(trivial.chance)}`),
    '',
    'Confidence',
    row('expected error', `${figure(ece)}, mean confidence ${figure(choices.meanConfidence)}`),
    row('accuracy, surer half', figure(choices.confidentHalfAccuracy)),
    row('Brier score', figure(brier)),
    ...(logLikelihood === null ? [] : [row('log-likelihood', figure(logLikelihood))]),
    ...reliability.map(({ from, to, answers, confidence, accuracy }) =>
      row(
        `${from.toFixed(1)} to ${to.toFixed(1)}`,
        `confidence ${figure(confidence ?? 0)}, right ${figure(accuracy ?? 0)}  (${answers})`,
      ),
    ),
  ];
}

function openLines(open: OpenFigures): string[] {
  const { questions, keywordSource, keywordQuestions, trivial, faults } = open;
  const keywords =
    keywordSource === 'column'
      ? `keywords of ${keywordQuestions}`
      : 'no column Keyword: the content words of the references count as keywords';
  const scores = ({ keywordRecall, referenceRecall, cosine }: OpenScores): string =>
    `${figure(keywordRecall)}            ${figure(referenceRecall)}           ${figure(cosine)}`;
  return [
    '',
    `Open questions (${questions}; ${keywords})`,
    row('', 'keyword recall  words of the ref.  cosine'),
    row('the answer', scores(open)),
    row('the question repeated', scores(trivial.question)),
    row('the top passage, cut', scores(trivial.passage)),
    row(
      'faults',
      `empty ${figure(faults.empty)}, copied ${figure(faults.copied)}, "not in the documents" ${figure(faults.refused)}`,
    ),
  ];
}

function recallLines({ labelled, named }: RetrievalFigures): string[] {
  const text = (recall: ArticleRecall): string =>
    `at 1 ${figure(recall.recallAt1)}, at 3 ${figure(recall.recallAt3)}, at 5 ${figure(recall.recallAt5)}, all read ${figure(recall.read)}, cited ${figure(recall.cited)}  (${recall.questions})`;
  return [
    '',
    'Retrieval: is the article among the passages?',
    ...(labelled ? [row('named by the file', text(labelled))] : []),
    ...(named ? [row('named by the question', text(named))] : []),
  ];
}

function servingLines({ fallbackShare, speed, latency, threads }: Evaluation): string[] {
  const times = ({ p50, p99 }: Latency): string => `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
  return [
    '',
    'Serving',
    row('by the fallback', figure(fallbackShare)),
    ...(speed
      ? [
          row(
            'as a batch',
            `${speed.questionsPerSecond.toFixed(1)} questions/s  (${speed.questions} in ${speed.seconds.toFixed(1)} s, ${speed.concurrency} at once, ${threads} threads)`,
          ),
        ]
      : []),
    ...(latency.choices ? [row('a choice alone', times(latency.choices))] : []),
    ...(latency.open ? [row('an open one alone', times(latency.open))] : []),
  ];
}

function accuracyText({ accuracy, accuracyLow, accuracyHigh, questions }: Accuracy): string {
  return `${figure(accuracy)}  (${figure(accuracyLow)} to ${figure(accuracyHigh)}; ${questions})`;
}

function row(name: string, text: string): string {
  return `  ${name}${' '.repeat(Math.max(0, 22 - columnsOf(name)))}  ${text}`.trimEnd();
}

/** Columns of a terminal: Hangul takes two each. */
function columnsOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + (/\p{sc=Hangul}/u.test(letter) ? 2 : 1), 0);
}

function figure(value: number): string {
  return value.toFixed(3);
}
