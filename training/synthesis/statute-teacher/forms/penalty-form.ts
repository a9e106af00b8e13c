/** Punishments: of an act, and the acts of a punishment. */
import { aroundKey, shuffled } from '../choosing.js';
import { type Penalty, penaltiesOf } from '../extract/penalties.js';
import { withParticle } from '../language/particles.js';
import { magnitude, quantitiesIn } from '../language/quantities.js';
import type { Article, LibraryDocument } from '../library.js';
import { likeness } from '../likeness.js';
import type { Falsehood } from '../perturb/falsehood.js';
import { remembered } from '../remembered.js';
import type { Ask, Composition, Form } from './form.js';
import { askMember, lawName } from './stems.js';

const penaltiesIn = remembered((document: LibraryDocument): readonly Penalty[] =>
  document.articles
    .filter((article) => article.isAskable && /벌칙|과태료|벌금/u.test(article.heading))
    .flatMap(penaltiesOf),
);
/** Two acts more alike than this may be one. */
const sameAct = 0.5;

function punishmentSentence(act: string, punishment: string): string {
  return `${withParticle(act, '은')} ${/과태료$/u.test(punishment) ? `${withParticle(punishment, '을')} 부과한다` : `${punishment}에 처한다`}.`;
}

function falsehood(article: Article, penalty: Penalty, act: string, punishment: string): Falsehood {
  return {
    text: punishmentSentence(act, punishment),
    perturbation: 'quantity',
    from: penalty.punishment,
    to: punishment,
    original: punishmentSentence(act, penalty.punishment),
    article,
    chunkIds: [penalty.chunkId],
    printed: penalty.printed,
  };
}

/** Punishments that a statute might have for an act: those it has for others, then changed ones. */
function otherPunishments(penalty: Penalty, act: string, all: readonly Penalty[]): string[] {
  const excluded = all.filter(({ offences }) => offences.some(({ text }) => likeness(text, act) > sameAct));
  const taken = new Set([penalty.punishment, ...excluded.map(({ punishment }) => punishment)]);
  const real = all.map(({ punishment }) => punishment).filter((punishment) => !taken.has(punishment));
  const quantities = quantitiesIn(penalty.punishment);
  const changed = [0, 1, 2, 3].map((rung) =>
    quantities.reduceRight(
      (text, { start, end, text: own, alternatives }) =>
        text.slice(0, start) + (alternatives[rung] ?? own) + text.slice(end),
      penalty.punishment,
    ),
  );
  return [...new Set([...real, ...changed])].filter(
    (punishment) => !taken.has(punishment) && !/(?<!\d)(?:4|15|20)년/u.test(punishment),
  );
}

/** Greater for the harder punishment: by years, then by the amount. */
function weightOf(punishment: string): number {
  const of = (kind: string): number =>
    Math.max(
      0,
      ...quantitiesIn(punishment).flatMap((quantity) =>
        quantity.kind === kind ? magnitude(quantity.text) : [],
      ),
    );
  return of('period') * 1e12 + of('money');
}

function ownPenalties({ article, chunk, random }: Ask): Penalty[] {
  return shuffled(penaltiesOf(article), random).filter(({ offences }) =>
    offences.some(({ chunkId }) => chunkId === chunk.chunkId),
  );
}

export const penaltyForm: Form = {
  name: 'penalty',
  kinds: ['article'],
  weight: 12,
  compose: (ask) => {
    if (ask.negated) return null;
    const all = penaltiesIn(ask.article.document);
    for (const penalty of ownPenalties(ask)) {
      const act = shuffled(penalty.offences, ask.random).find(({ chunkId }) => chunkId === ask.chunk.chunkId);
      if (!act) continue;
      const rivals = shuffled(otherPunishments(penalty, act.text, all), ask.random);
      const isMilder = (punishment: string): boolean => weightOf(punishment) < weightOf(penalty.punishment);
      const others = aroundKey(
        rivals.filter(isMilder),
        rivals.filter((punishment) => !isMilder(punishment)),
        ask.others,
        ask.random,
      );
      if (others.length < ask.others) continue;
      const said = `${penalty.printed} ${act.text}`;
      return {
        stem: `${lawName(ask.article)}에 따라 ‘${act.text}’에 대한 벌칙 또는 과태료로 옳은 것은?`,
        key: { text: penalty.punishment, source: said },
        others: others.map((punishment) => ({ text: punishment, source: said })),
        explanation: said,
        chunkIds: [...new Set([ask.chunk.chunkId, penalty.chunkId])],
        difficulty: 4,
        falsehoods: others.map((punishment) => falsehood(ask.article, penalty, act.text, punishment)),
      };
    }
    return null;
  },
  open: (ask) => {
    for (const penalty of ownPenalties(ask)) {
      const act = shuffled(penalty.offences, ask.random).find(({ chunkId }) => chunkId === ask.chunk.chunkId);
      if (!act) continue;
      return {
        stem: `${lawName(ask.article)}에서 ‘${act.text}’에 대하여 정한 벌칙을 서술하시오.`,
        answer: `${lawName(ask.article)} ${ask.article.section}에 따라 ${punishmentSentence(act.text, penalty.punishment)}`,
        explanation: `${penalty.printed} ${act.text}`,
        chunkIds: [...new Set([ask.chunk.chunkId, penalty.chunkId])],
        difficulty: 3,
      };
    }
    return null;
  },
};

/** Which act is (not) punished so. */
export const offenceForm: Form = {
  name: 'offence',
  kinds: ['article'],
  weight: 10,
  compose: (ask) => {
    const all = penaltiesIn(ask.article.document);
    for (const penalty of ownPenalties(ask)) {
      const acts = shuffled(penalty.offences, ask.random);
      const strangers = shuffled(
        all
          .filter(({ punishment }) => punishment !== penalty.punishment)
          .flatMap((other) => other.offences.map(({ text }) => ({ text, punishment: other.punishment })))
          .filter(({ text }) =>
            all.every(
              (same) =>
                same.punishment !== penalty.punishment ||
                same.offences.every((own) => likeness(own.text, text) < sameAct),
            ),
          ),
        ask.random,
      );
      const composed = composeOffence(ask, penalty, acts, strangers);
      if (composed) return composed;
    }
    return null;
  },
};

function composeOffence(
  ask: Ask,
  penalty: Penalty,
  acts: Penalty['offences'],
  strangers: readonly { text: string; punishment: string }[],
): Composition | null {
  const isFine = /과태료$/u.test(penalty.punishment);
  const stem = askMember(
    `${lawName(ask.article)}에 따라 ${penalty.punishment}${isFine ? '의 부과 대상' : '에 처하는 자'}`,
    ask.negated,
    ask.random,
  );
  const own = acts.find(({ chunkId }) => chunkId === ask.chunk.chunkId);
  // What was not done is fined, what was done is punished harder: only acts told alike are no giveaway.
  const told = (act: { text: string } | undefined): boolean => /아니|않|못|없이/u.test(act?.text ?? '');
  const alike = strangers.filter((stranger) => told(stranger) === told(ask.negated ? acts[0] : own));
  const trues = ask.negated ? acts.slice(0, ask.others) : own ? [own] : [];
  const falses = alike.slice(0, ask.negated ? 1 : ask.others);
  if (trues.length + falses.length < ask.others + 1) return null;
  const punished = trues.map(({ text }) => ({ text, source: `${penalty.printed} ${text}` }));
  const others = falses.map(({ text, punishment }) => ({
    text,
    source: punishmentSentence(text, punishment),
  }));
  const [key] = ask.negated ? others : punished;
  if (!key) return null;
  return {
    stem,
    key,
    others: ask.negated ? punished : others,
    explanation: `${penalty.printed} ${trues.map(({ text }) => text).join('; ')}`,
    chunkIds: [...new Set([penalty.chunkId, ...trues.map(({ chunkId }) => chunkId)])],
    difficulty: 4,
    falsehoods: falses.map(({ text, punishment }) => ({
      text: punishmentSentence(text, penalty.punishment),
      perturbation: 'member',
      from: punishment,
      to: text,
      original: punishmentSentence(text, punishment),
      article: ask.article,
      chunkIds: [penalty.chunkId],
      printed: penalty.printed,
    })),
  };
}
