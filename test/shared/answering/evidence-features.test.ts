import t from 'tap';
import {
  type EvidencePassage,
  type EvidenceQuestion,
  evidenceFeatures,
  type FeatureName,
  type FeatureVector,
  featureNames,
  type TermText,
} from '../../../shared/answering/evidence-features.js';
import { compactText } from '../../../shared/text/longest-run.js';
import { wordTokenizer } from '../../fixtures/small-search.js';

function termText(text: string): TermText {
  const { morphemes, bigrams } = wordTokenizer.tokenize(text);
  return { text, morphemes: new Set(morphemes), bigrams: new Set(bigrams) };
}

/** One unit a sentence. */
function passageOf(...sentences: string[]): EvidencePassage {
  const text = sentences.join(' ');
  return {
    ...termText(text),
    title: '',
    section: '',
    compact: compactText(text),
    units: sentences.map(termText),
  };
}

interface Asked {
  stem: string;
  choices: string[];
  passages?: EvidencePassage[];
  /** Passages found for each choice. */
  own?: EvidencePassage[][];
  near?: number;
  idf?: (term: string) => number;
}

function questionOf({
  stem,
  choices,
  passages = [],
  own = [],
  near = 0,
  idf = () => 1,
}: Asked): EvidenceQuestion {
  return {
    stemTerms: wordTokenizer.tokenize(stem),
    choices: choices.map((text, i) => ({
      text,
      terms: wordTokenizer.tokenize(text),
      passages: own[i] ?? [],
      nearest: near,
      meanNearness: near,
      nearStem: near,
      nearestTogether: near,
    })),
    passages,
    stem,
    agreed: passages.map(() => true),
    scores: passages.map((_, i) => 1 / (i + 1)),
    idf,
  };
}

const features = (asked: Asked): FeatureVector[] => evidenceFeatures(questionOf(asked));
const close = (a: number | undefined, b: number): boolean => Math.abs((a as number) - b) < 1e-12;

/** Those that rest on the passages and speak for a choice. */
const evidenceNames: FeatureName[] = [
  'passageCover',
  'passageBigrams',
  'meanCover',
  'unitCover',
  'unitBigrams',
  'unitJoint',
  'focusCover',
  'focusBigrams',
  'ownCover',
  'ownJoint',
  'longestRun',
  'ownRun',
];

const backup = passageOf('백업 자료는 다른 건물에 보관한다', '훈련은 해마다 한다');
const meeting = passageOf('회의는 분기마다 연다');

t.test(
  'the choice that the passage names is ahead of the others in everything that rests on evidence',
  async (t) => {
    const [named, other] = features({
      stem: '백업 자료',
      choices: ['다른 건물에 보관한다', '같은 서버에 저장하여 둔다'],
      passages: [backup, meeting],
      own: [[backup], [backup]],
    });
    for (const name of evidenceNames)
      t.ok((named as FeatureVector)[name] > (other as FeatureVector)[name], name);
  },
);

t.test('every feature is what its formula says', async (t) => {
  const idf = (term: string): number => (term === '건물에' ? 3 : 1);
  const [first, second] = features({
    stem: '백업 주기',
    choices: ['백업 건물에 보관한다', '회의 3회 않는다'],
    passages: [backup, passageOf('회의 2회 3회')],
    own: [[backup], []],
    near: 0.6,
    idf,
  });
  // The stem's cover: 1 of 2 by the first passage, 0 by the second; so trust is ½.
  // Choice 1: 백업 counts a quarter: 0.25 + 3 + 1, all in the first passage and its first unit.
  t.ok(close(first?.passageCover, 0.5 * 1));
  t.ok(close(first?.meanCover, 0.5 * 0.5));
  t.ok(close(first?.unitCover, 0.5 * 1));
  t.ok(close(first?.unitJoint, 0.5 * 1 * 0.75));
  t.ok(close(first?.focusCover, 0.5 * 1));
  t.ok(close(first?.ownCover, 0.5 * 1));
  t.ok(close(first?.ownJoint, 0.5 * Math.sqrt(0.5)));
  // 백업건물에보관한다 (9 characters): 건물에보관한다 (7) is in 백업자료는다른건물에보관한다….
  t.ok(close(first?.longestRun, (0.5 * 7) / 9));
  t.ok(close(first?.nearest, 0.5 * 0.6));
  t.ok(close(first?.polarityClash, 0));
  // Choice 2: 회의 and 3회 of three terms in the second passage, of fused score ½ and without the stem.
  t.ok(close(second?.passageCover, 0.5 * (2 / 3) * 0.75));
  t.ok(close(second?.unitJoint, 0.5 * (2 / 3) * 0.5));
  t.ok(close(second?.polarityClash, 0.5 * (2 / 3)), 'the choice denies, the unit does not');
  t.ok(close(second?.focusCover, 0), 'the passage of the stem is in focus');
  t.ok(close(second?.ownCover, 0));
  t.strictSame([second?.numberMissing, second?.denial], [0, 1]);
  // Bigrams of choice 1: 백업, 건물 물에, 보관 관한 한다; 백업 is the stem's.
  t.ok(close(first?.unitBigrams, 0.5));
  t.equal(first?.centrality, 0);
  t.ok(close(first?.length, Math.log((11 + 3) / (10 + 3))));
});

t.test('where no passage speaks of what is asked, evidence says nothing', async (t) => {
  for (const vector of features({
    stem: '랜섬웨어',
    choices: ['다른 건물에 보관한다', '해마다 한다'],
    passages: [backup],
    own: [[backup], [backup]],
    near: 0.9,
  }))
    for (const name of [
      ...evidenceNames,
      'nearest',
      'meanNearness',
      'nearStem',
      'nearestTogether',
      'polarityClash',
    ])
      t.equal(vector[name as FeatureName], 0, name);
});

t.test('numbers are looked for in the first three passages', async (t) => {
  const fillers = [meeting, meeting, meeting];
  const asked = { stem: '회의', choices: ['24시간 2회', '3일'] };
  const late = features({ ...asked, passages: [...fillers, passageOf('24시간')] });
  t.strictSame([late[0]?.numberMissing, late[1]?.numberMissing], [2, 1]);
  const early = features({ ...asked, passages: [passageOf('24시간'), ...fillers] });
  t.equal(early[0]?.numberMissing, 1);
});

t.test('choices with the same text have the same features', async (t) => {
  const [a, b, c] = features({
    stem: '백업',
    choices: ['다른 건물', '다른 건물', '회의'],
    passages: [backup],
  });
  t.strictSame(a, b);
  t.equal(a?.centrality, 0.5);
  t.equal(c?.centrality, 0);
});

t.test('every feature is a number, whatever comes', async (t) => {
  const empty = passageOf();
  const table: Asked[] = [
    { stem: '', choices: [] },
    { stem: '', choices: ['', ''] },
    { stem: '백업', choices: ['예', '아니오'] },
    { stem: '백업', choices: ['건물', '서버'], passages: [empty, backup], own: [[empty]] },
    { stem: '백업', choices: ['건물', '건물'], passages: [backup], idf: () => 0 },
    { stem: '…', choices: ['1', '2'], passages: [empty] },
  ];
  for (const asked of table) {
    const vectors = features(asked);
    t.equal(vectors.length, asked.choices.length);
    for (const vector of vectors)
      t.strictSame(
        featureNames.filter((name) => !Number.isFinite(vector[name])),
        [],
        JSON.stringify(asked.choices),
      );
  }
});
