/**
 * Statements to be judged: what most forms come to. Of a negated stem one choice is false and the others are
 * statements of the article; else one is true and the others are false, made of different statements where there
 * are enough, and never more than two of one.
 */
import { shuffled } from '../choosing.js';
import type { Statement } from '../extract/statements.js';
import type { Falsehood, PerturbationName } from '../perturb/falsehood.js';
import { falsehoodsOf } from '../perturb/perturbation-table.js';
import { modalOf } from '../language/modal.js';
import { likeness } from '../likeness.js';
import { trueChoice } from '../restate/true-choices.js';
import { type Ask, type Composition, untruth } from './form.js';

export interface Judged {
  /** True statements; the key comes from those of the chunk. */
  statements: readonly Statement[];
  /** Of the statements, those that no falsehood is made of. */
  untouched?: readonly Statement[];
  /** Falsehoods beside those made of the statements. */
  falsehoods?: readonly Falsehood[];
  kinds?: ReadonlySet<PerturbationName>;
  difficulty: number;
}

export const difficultyOf: Readonly<Record<PerturbationName, number>> = {
  quantity: 4,
  bound: 4,
  counterparty: 4,
  opposite: 3,
  actor: 3,
  modal: 3,
  obligation: 5,
  exception: 5,
  term: 3,
  member: 3,
  clause: 3,
  neighbour: 2,
  exchange: 3,
  absolute: 5,
  procedure: 4,
  aim: 4,
  delegation: 4,
  contrast: 4,
  topic: 3,
  denial: 3,
};

const perStatement = 2;
const mostDenials = 2;
/** Statements that the choices of a question come from, at least. */
const leastSources = 3;
/** Two choices more alike than this would only be compared with each other. */
const tooAlike = 0.8;
/** Members of one list that may be choices beside each other. */
const perOrigin = 3;

export function judgeStatements(ask: Ask, stem: string, judged: Judged): Composition | null {
  return ask.negated ? findTheFalse(ask, stem, judged) : findTheTrue(ask, stem, judged);
}

function findTheFalse(ask: Ask, stem: string, judged: Judged): Composition | null {
  const { chunk, random, others } = ask;
  const order = shuffled(judged.statements, random);
  const candidates: Falsehood[] = [
    ...shuffled(judged.falsehoods ?? [], random),
    ...order
      .filter(
        (statement) => statement.chunkIds.includes(chunk.chunkId) && !judged.untouched?.includes(statement),
      )
      .flatMap((statement) => falsehoodsOf(statement, ask, judged.kinds).slice(0, 1)),
  ];
  for (const falsehood of candidates) {
    const told = unlike(order, [falsehood.text, falsehood.original], others);
    if (told.length < others || standsOut(falsehood.text, told)) continue;
    return {
      stem,
      key: untruth(falsehood),
      others: told.map((statement) => trueChoice(statement, ask.library, random)),
      explanation: falsehood.printed,
      chunkIds: chunksOf([falsehood, ...told]),
      difficulty: Math.max(judged.difficulty, difficultyOf[falsehood.perturbation]),
      falsehoods: [falsehood],
    };
  }
  return null;
}

/** The only choice that allows among those that forbid, or the other way about, is known by its ending. */
function standsOut(key: string, others: readonly { text: string }[]): boolean {
  return !others.some(({ text }) => modalOf(text) === modalOf(key));
}

/** Statements that differ from each other and from those given; few of one list. */
function unlike(statements: readonly Statement[], from: readonly string[], count: number): Statement[] {
  const chosen: Statement[] = [];
  const origins = new Map<string, number>();
  for (const statement of statements) {
    if (chosen.length === count) break;
    const times = origins.get(statement.origin) ?? 0;
    if (times >= perOrigin) continue;
    if (
      [...from, ...chosen.map(({ text }) => text)].some((text) => likeness(text, statement.text) > tooAlike)
    )
      continue;
    chosen.push(statement);
    origins.set(statement.origin, times + 1);
  }
  return chosen;
}

function findTheTrue(ask: Ask, stem: string, judged: Judged): Composition | null {
  const { chunk, random, others } = ask;
  const order = shuffled(judged.statements, random);
  const own = order.filter(({ chunkIds }) => chunkIds.includes(chunk.chunkId));
  for (const key of own.slice(0, 3)) {
    const rest = [...order.filter((statement) => statement !== key), key].filter(
      (statement) => !judged.untouched?.includes(statement),
    );
    const made = [
      ...(judged.falsehoods ?? []),
      ...rest.flatMap((statement) => falsehoodsOf(statement, ask, judged.kinds).slice(0, perStatement)),
    ];
    const chosen = spread(made, key, others);
    const sources = new Set([key.text, ...chosen.map(({ original, text }) => original || text)]);
    if (chosen.length < others || sources.size < leastSources || standsOut(key.text, chosen)) continue;
    return {
      stem,
      key: trueChoice(key, ask.library, random),
      others: chosen.map(untruth),
      explanation: key.printed,
      chunkIds: chunksOf([key, ...chosen]),
      difficulty: Math.max(
        judged.difficulty,
        ...chosen.map(({ perturbation }) => difficultyOf[perturbation]),
      ),
      falsehoods: chosen,
    };
  }
  return null;
}

/** One falsehood of each statement first, then a second; that of the key at most once. */
function spread(falsehoods: readonly Falsehood[], key: Statement, count: number): Falsehood[] {
  const chosen: Falsehood[] = [];
  for (let round = 1; round <= perStatement; round++)
    for (const falsehood of falsehoods) {
      if (chosen.length === count) return chosen;
      if (chosen.includes(falsehood)) continue;
      const ofSame = chosen.filter(
        ({ original }) => original !== '' && original === falsehood.original,
      ).length;
      const most = falsehood.original === key.text ? 1 : round;
      if (ofSame >= most || falsehood.text === key.text) continue;
      if (isDenial(falsehood) && chosen.filter(isDenial).length >= mostDenials) continue;
      if (round === 1 && falsehood.original === key.text && chosen.length + 1 < count) continue;
      chosen.push(falsehood);
    }
  return chosen;
}

/** What is only denied is known by its ending. */
function isDenial({ perturbation }: Falsehood): boolean {
  return perturbation === 'modal' || perturbation === 'denial';
}

function chunksOf(parts: readonly { chunkIds: readonly string[] }[]): string[] {
  return [...new Set(parts.flatMap(({ chunkIds }) => chunkIds))];
}
