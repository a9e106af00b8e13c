/** Is it written as a question of an examination is? */
import { brief, fine, flaw, type QualityRule, ramp } from './quality-rule.js';
import type { QuestionFacts } from './question-facts.js';

const brackets = ['()', '[]', '{}', '「」', '『』', '〈〉', '《》', '“”', '‘’'] as const;

/** What was left of the text it was made from. */
const leftovers: readonly [pattern: RegExp, what: string][] = [
  [
    /[<〈[]\s*(?:개정|신설|시행|전문개정|본조신설|제목개정|단서|종전|삭제)|삭제\s*[<〈]/u,
    'an amendment note',
  ],
  [/[①-⑳]/u, 'the mark of a paragraph'],
  [/\*\*|^#+\s|\]\(|https?:/mu, 'markup'],
  [/\uFFFD|(?!\n)\p{Cc}/u, 'a damaged character'],
  [/\{[^}]*\}|undefined|null|NaN|\[object/u, 'a placeholder'],
  [/(?<!\() {2}(?! *\))|\s[,.]|\.\.(?!\.)/u, 'a gap'],
];
const itemMark = /^\s*(?:\d{1,2}[.)]|[가나다라마바사아자차카타파하ㄱ-ㅎ][.)])\s/u;
const danglingList =
  /(?:다음|아래|이하)\s*각\s*(?:호|목)|다음\s*(?:의\s*)?(?:각\s*)?(?:표|산식|사항)(?:과|와|의|을|에)/u;
/** `…의 경우에도 같다.`: as what? */
const danglingLikeness = /(?:도|또한)\s*(?:이와\s*)?같다[.。]?$/u;
const danglingReference =
  /(?:^|[\s(])(?:제\d+항(?:부터|ㆍ|·|,|\s*및|\s*또는)?|제\d+호|같은\s*(?:조|항|호|법)|이\s*(?:조|항|호)|전\s*항|(?:법|영|규칙)\s*제\d+조)/u;

export const formRules: readonly QualityRule[] = [
  {
    name: 'no question',
    weight: 0.5,
    check: ({ draft }) =>
      draft.question
        .split(/\n|(?<=[?？])\s/u)
        .some((line) =>
          /(?:[?？]|(?:시오|하라|하세요|십시오)\s*\.?)\s*(?:\([^()]*\)\s*)?$/u.test(line.trim()),
        )
        ? fine
        : flaw(0, 'the stem does not ask'),
  },
  {
    name: 'length',
    weight: 0.5,
    check: ({ draft, choices }) => {
      const answer = draft.choices === undefined ? draft.answer.length : 20;
      const longest = Math.max(0, ...choices.map((choice) => choice.length));
      const stem = draft.question.length;
      const score = Math.min(
        ramp(stem, 6, 12),
        ramp(stem, 700, 400),
        ramp(longest, 400, 240),
        ramp(answer, 1, 4),
        ramp(answer, 900, 600),
      );
      return flaw(score, `its length is unusual: stem ${stem}, longest choice ${longest}, answer ${answer}`);
    },
  },
  {
    name: 'leftovers',
    weight: 0.5,
    check: (facts) => {
      for (const text of shown(facts)) {
        const found = leftovers.find(([pattern]) => pattern.test(text));
        if (found) return flaw(0, `${found[1]} was left in: ${brief(text)}`);
      }
      const marked = facts.choices.find((choice) => itemMark.test(choice));
      return marked ? flaw(0, `the mark of an item was left in: ${brief(marked)}`) : fine;
    },
  },
  {
    name: 'fragment',
    weight: 0.45,
    check: (facts) => {
      const texts = shown(facts);
      const broken =
        facts.choices.find(isFragment) ?? texts.find((text) => !isBalanced(text) || cutCitation.test(text));
      return broken ? flaw(0, `it is broken: ${brief(broken)}`) : fine;
    },
  },
  {
    name: 'dangling reference',
    weight: 0.4,
    check: ({ draft, choices }) => {
      const texts = answers({ draft, choices });
      const list = texts.find((text) => danglingList.test(text) && !/:\s*\S/u.test(text));
      if (list) return flaw(0, `it speaks of a list that is not there: ${brief(list)}`);
      const alike = texts.find((text) => danglingLikeness.test(text.trim()));
      if (alike) return flaw(0, `it says that something is alike, but not to what: ${brief(alike)}`);
      const count = texts.filter((text) => danglingReference.test(text)).length;
      return flaw(1 - 0.5 * (count / texts.length), `${count} texts refer to what is not named`);
    },
  },
  {
    name: 'particle',
    weight: 0.35,
    check: (facts) => {
      for (const text of shown(facts)) {
        const found = wrongParticle(text);
        if (found) return flaw(0, `the particle does not fit: ${found}`);
      }
      return fine;
    },
  },
  {
    name: 'language',
    weight: 0.6,
    check: (facts) => {
      const letters = shown(facts).join('').match(/\p{L}/gu) ?? [];
      const hangul = letters.filter((letter) => /\p{Script=Hangul}/u.test(letter)).length;
      const share = letters.length === 0 ? 0 : hangul / letters.length;
      return flaw(ramp(share, 0.2, 0.5), `only ${Math.round(share * 100)} % of it is Korean`);
    },
  },
];

function shown({ draft, choices }: QuestionFacts): string[] {
  return [draft.question, ...answers({ draft, choices })];
}

/** The choices; the answer in words. */
function answers({ draft, choices }: Pick<QuestionFacts, 'draft' | 'choices'>): readonly string[] {
  return choices.length === 0 ? [draft.answer] : choices;
}

/** `제16조공익법인등`: between an article and a word that is no particle, something was cut out. */
const cutCitation =
  /제\d+조(?:의\d+)?(?!\d|의\d|제\d|부터|까지|내지|본문|단서|전단|후단|각\s?호|또는|라는?|[의에와과및은는이가를을도만로으상중ㆍ·])[가-힣]/u;

function isFragment(choice: string): boolean {
  const text = choice.trim();
  return (
    text === '' ||
    cutCitation.test(text) ||
    /^(?:때|경우|날|후)(?:에는?|부터|까지)\s/u.test(text) ||
    /^(?:[은는을를의및와과,.;:·ㆍ)\]」』]|또는|그리고)(?=\s|$|[,.])/u.test(text) ||
    /[,:;·ㆍ(「『“]$|(?:^|\s)(?:및|또는|그리고|내지|다만)$|(?:하는|되는|하여|하고|하며|하거나|따른|의한|대한|관한|인한)$/u.test(
      text,
    )
  );
}

function isBalanced(text: string): boolean {
  // Numbers of items, `2)`, close nothing.
  const bare = text.replace(/(?<![(\d])\d{1,2}\)|(?<=^|\s)[가나다라마바사아자차카타파하ㄱ-ㅎ]\)/gu, ' ');
  const count = (sign: string) => bare.split(sign).length - 1;
  return brackets.every(([open = '', close = '']) => count(open) === count(close)) && count('"') % 2 === 0;
}

/** After a closing mark, the particle has to fit the last syllable before it. */
function wrongParticle(text: string): string | undefined {
  const pattern = /([가-힣])[」』”’"'〉》](은|는|을|를|과|와|이란|란|이라|라)(?=\s|$|함은|고)/gu;
  for (const [whole, syllable = '', particle = ''] of text.matchAll(pattern)) {
    const closed = (syllable.charCodeAt(0) - 0xac00) % 28 !== 0;
    if (closed !== /^(?:은|을|과|이란|이라)$/u.test(particle)) return whole;
  }
  return undefined;
}
