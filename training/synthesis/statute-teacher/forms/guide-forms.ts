/** Guides: what a thing is, what it is called, and pairs of both judged. */
import { pick, shuffled } from '../choosing.js';
import { type Description, descriptionsOf } from '../extract/descriptions.js';
import { withParticle } from '../language/particles.js';
import type { Library } from '../library.js';
import { likeness } from '../likeness.js';
import type { Falsehood } from '../perturb/falsehood.js';
import { remembered } from '../remembered.js';
import type { Ask, Form } from './form.js';

const tooAlike = 0.3;

const described = remembered((library: Library): readonly Description[] =>
  library.documents.flatMap(({ articles }) =>
    articles.filter(({ first }) => first.kind === 'prose').flatMap(descriptionsOf),
  ),
);

function family({ article }: Description): string {
  return article.first.source.split('__')[0] as string;
}

function sharesWord(term: string, text: string): boolean {
  const lower = text.toLowerCase();
  return term
    .toLowerCase()
    .split(/[\s/·-]/u)
    .some((word) => word.length >= 2 && lower.includes(word));
}

function own({ article, chunk, random }: Ask): Description | undefined {
  return pick(
    descriptionsOf(article).filter(({ chunkId }) => chunkId === chunk.chunkId),
    random,
  );
}

/** Descriptions of other things in other texts, none of which could be about it. */
function rivalsOf(description: Description, library: Library): Description[] {
  return described(library).filter(
    (other) =>
      other.article.document !== description.article.document &&
      family(other) === family(description) &&
      !sharesWord(other.term, other.text) &&
      isRival(description, other),
  );
}

function isRival(description: Description, other: Description): boolean {
  return (
    !overlaps(other.term, description.term) &&
    !sharesWord(description.term, other.text) &&
    likeness(other.text, description.text) < tooAlike &&
    /다\.$/u.test(other.text) === /다\.$/u.test(description.text)
  );
}

function overlaps(one: string, other: string): boolean {
  return sharesWord(one, other) || sharesWord(other, one);
}

function exchanged(description: Description, other: Description): Falsehood {
  return {
    text: `${withParticle(description.term, '은')} ${other.text}`,
    perturbation: 'term',
    from: other.term,
    to: description.term,
    original: `${withParticle(description.term, '은')} ${description.text}`,
    article: description.article,
    chunkIds: [description.chunkId],
    printed: description.printed,
  };
}

export const guideDescriptionForm: Form = {
  name: 'guide-description',
  kinds: ['prose'],
  weight: 4,
  compose: (ask) => {
    const description = own(ask);
    if (ask.negated || !description || sharesWord(description.term, description.text)) return null;
    const rivals = shuffled(rivalsOf(description, ask.library), ask.random).slice(0, ask.others);
    if (rivals.length < ask.others) return null;
    return {
      stem: pick(
        [
          `‘${description.term}’에 대한 설명으로 옳은 것은?`,
          `다음 중 ${withParticle(description.term, '을')} 가장 적절하게 설명한 것은?`,
        ],
        ask.random,
      ) as string,
      key: { text: description.text, source: description.printed },
      others: rivals.map(({ text }) => ({ text, source: description.printed })),
      explanation: description.printed,
      chunkIds: [description.chunkId],
      difficulty: 2,
      falsehoods: rivals.map((other) => exchanged(description, other)),
    };
  },
  open: (ask) => {
    const description = own(ask);
    if (!description || !/다\.$/u.test(description.text)) return null;
    return {
      stem: `${withParticle(description.term, '이')} 무엇인지 설명하시오.`,
      answer: `${withParticle(description.term, '은')} ${description.text}`,
      explanation: description.printed,
      chunkIds: [description.chunkId],
      difficulty: 2,
    };
  },
};

export const guideTermForm: Form = {
  name: 'guide-term',
  kinds: ['prose'],
  weight: 4,
  compose: (ask) => {
    const description = own(ask);
    if (ask.negated || !description || sharesWord(description.term, description.text)) return null;
    const rivals = shuffled(rivalsOf(description, ask.library), ask.random).slice(0, ask.others);
    if (rivals.length < ask.others) return null;
    return {
      stem: `다음 설명에 해당하는 용어로 옳은 것은?\n“${description.text}”`,
      key: { text: description.term, source: description.printed },
      others: rivals.map(({ term }) => ({ text: term, source: description.printed })),
      explanation: description.printed,
      chunkIds: [description.chunkId],
      difficulty: 2,
      falsehoods: rivals.map((other) => exchanged(other, description)),
    };
  },
};

export const guidePairForm: Form = {
  name: 'guide-pair',
  kinds: ['prose'],
  weight: 5,
  compose: (ask) => {
    const description = own(ask);
    if (!description) return null;
    const rivals = shuffled(rivalsOf(description, ask.library), ask.random);
    // True pairs come from the same text: what is asked can be looked up in it.
    const beside = shuffled(
      description.article.document.articles
        .flatMap(descriptionsOf)
        .filter(({ term }) => !overlaps(term, description.term)),
      ask.random,
    );
    const borrowed = ask.negated ? (beside.at(-1) ?? rivals[0]) : rivals[0];
    const rest = (ask.negated ? beside : rivals).filter((other) => other !== borrowed);
    if (!borrowed || rest.length < ask.others || !isRival(description, borrowed)) return null;
    if (!ask.negated && sharesWord(description.term, description.text)) return null;
    const pair = ({ term, text }: Description): string => `${term}: ${text}`;
    if (ask.negated) {
      const told = rest.slice(0, ask.others);
      return {
        stem: '다음 중 용어와 그 설명의 연결이 옳지 않은 것은?',
        key: { text: `${description.term}: ${borrowed.text}`, source: description.printed },
        others: told.map((other) => ({ text: pair(other), source: other.printed })),
        explanation: description.printed,
        chunkIds: [...new Set([description.chunkId, ...told.map(({ chunkId }) => chunkId)])],
        difficulty: 3,
        falsehoods: [exchanged(description, borrowed)],
      };
    }
    // Each of the others gets the description of the next one.
    const wrong = rest
      .slice(0, ask.others)
      .map((other, i, all) => ({ other, by: all[(i + 1) % all.length] as Description }));
    if (
      wrong.some(
        ({ other, by }) => sharesWord(other.term, by.text) || likeness(other.text, by.text) >= tooAlike,
      )
    )
      return null;
    return {
      stem: '다음 중 용어와 그 설명의 연결이 옳은 것은?',
      key: { text: pair(description), source: description.printed },
      others: wrong.map(({ other, by }) => ({ text: `${other.term}: ${by.text}`, source: other.printed })),
      explanation: description.printed,
      chunkIds: [description.chunkId],
      difficulty: 3,
      falsehoods: wrong.map(({ other, by }) => exchanged(other, by)),
    };
  },
};
