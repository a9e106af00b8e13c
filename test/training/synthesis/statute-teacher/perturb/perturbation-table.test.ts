/** Each perturbation on an article of our own: what it makes, and what is not proven of it. */
import t from 'tap';
import type { Chunk } from '../../../../../shared/retrieval/chunk.js';
import { randomFor } from '../../../../../training/synthesis/statute-teacher/choosing.js';
import { definitionsOf } from '../../../../../training/synthesis/statute-teacher/extract/definitions.js';
import { exceptionsOf } from '../../../../../training/synthesis/statute-teacher/extract/exceptions.js';
import { listsOf } from '../../../../../training/synthesis/statute-teacher/extract/item-lists.js';
import { purposeOf } from '../../../../../training/synthesis/statute-teacher/extract/purposes.js';
import { statementsOf } from '../../../../../training/synthesis/statute-teacher/extract/statements.js';
import { magnitude } from '../../../../../training/synthesis/statute-teacher/language/quantities.js';
import { type Article, Library } from '../../../../../training/synthesis/statute-teacher/library.js';
import { exchangeClauses } from '../../../../../training/synthesis/statute-teacher/perturb/clause.js';
import { ignoreException } from '../../../../../training/synthesis/statute-teacher/perturb/exception.js';
import type { PerturbationName } from '../../../../../training/synthesis/statute-teacher/perturb/falsehood.js';
import { strangersTo } from '../../../../../training/synthesis/statute-teacher/perturb/member.js';
import {
  asNeighbour,
  statementsBeside,
} from '../../../../../training/synthesis/statute-teacher/perturb/neighbour.js';
import { falsehoodsOf } from '../../../../../training/synthesis/statute-teacher/perturb/perturbation-table.js';
import { exchangeTerm } from '../../../../../training/synthesis/statute-teacher/perturb/term.js';
import { isProvablyFalse } from '../../../../../training/synthesis/statute-teacher/verify-false.js';
import { articleChunk } from '../real-chunks.js';

const random = () => randomFor('test');

function read(...chunks: Chunk[]): { library: Library; article: Article } {
  const library = new Library(chunks);
  const article = library.articleOf(chunks[0] as Chunk);
  if (!article) throw new Error('the library lacks its chunk');
  return { library, article };
}

function made(name: PerturbationName, ...texts: string[]): string[] {
  const { library, article } = read(
    ...texts.map((text, i) => articleChunk(`제${i + 5}조`, `조문 ${i}`, text)),
  );
  const [statement] = statementsOf(article);
  if (!statement) throw new Error('the article makes no statement');
  return falsehoodsOf(statement, { library, random: random() }, new Set([name])).map(({ text }) => text);
}

const report = '금융회사는 사고가 발생한 날부터 14일 이내에 그 내용을 서면으로 금융위원회에 보고하여야 한다.';

t.test('each makes what its article rules out', async (t) => {
  t.match(made('quantity', report)[0], /발생한 날부터 (?!14일)\d+일 이내에 .* 보고하여야 한다\.$/u);
  t.match(made('counterparty', report)[0], /(?<!금융위원회)에(?:게)? 보고하여야 한다\.$/u);
  t.same(made('modal', report), [report.replace('보고하여야 한다.', '보고하지 아니할 수 있다.')]);
  t.same(made('bound', '금융회사는 자기자본의 100분의 30 이상을 유동자산으로 보유하여야 한다.'), [
    '금융회사는 자기자본의 100분의 30 미만을 유동자산으로 보유하여야 한다.',
  ]);
  t.same(made('opposite', '금융회사는 약관을 변경하려면 그 내용을 미리 이용자에게 알려야 한다.'), [
    '금융회사는 약관을 변경하려면 그 내용을 추후 이용자에게 알려야 한다.',
  ]);
  t.same(made('obligation', '금융위원회는 필요하다고 인정하면 업무의 정지를 명할 수 있다.'), [
    '금융위원회는 필요하다고 인정하면 업무의 정지를 명하여야 한다.',
  ]);
  t.match(
    made('actor', '금융위원회는 필요하다고 인정하면 업무의 정지를 명할 수 있다.')[0],
    /^(?!금융위원회)\S.*[은는] 필요하다고 인정하면 업무의 정지를 명할 수 있다\.$/u,
  );
});

t.test('who does it and whom it is done to are exchanged, and a procedure for another', async (t) => {
  const asked = '이용자는 거래에 관하여 금융회사에 자료의 제공을 요청하여야 한다.';
  t.same(made('exchange', asked), ['금융회사는 거래에 관하여 이용자에게 자료의 제공을 요청하여야 한다.']);
  t.match(
    made('procedure', '금융회사는 업무의 전부를 폐지하려면 금융위원회의 승인을 받아야 한다.')[0],
    /금융위원회에 (?:신고|등록)하여야 한다\.$/u,
  );
  t.match(
    made('procedure', '금융회사는 약관을 변경한 날부터 그 변경의 내용을 금융위원회에 보고하여야 한다.')[0],
    /변경의 내용에 대하여 금융위원회의 (?:승인을|허가를) 받아야 한다\.$/u,
  );
});

t.test('a rule with exceptions is told as having none; another aim, another rank of rule', async (t) => {
  t.match(
    made('absolute', `${report} 다만, 경미한 경우에는 그러하지 아니하다.`)[0],
    /^금융회사는 (?:예외 없이|반드시) /u,
  );
  t.same(made('absolute', report), []);
  const aims = [
    '금융위원회는 이용자의 권익 보호를 위하여 업무의 정지를 명할 수 있다.',
    '정부는 국민경제의 건전한 발전을 위하여 시책을 마련하여야 한다.',
  ];
  t.same(made('aim', ...aims), ['금융위원회는 국민경제의 건전한 발전을 위하여 업무의 정지를 명할 수 있다.']);
  t.match(
    made('delegation', '금융회사는 대통령령으로 정하는 서류를 금융위원회에 제출하여야 한다.')[0],
    /(?:총리령으로|세칙으로) 정하는/u,
  );
});

t.test('a quantity that the article names elsewhere, or in another version, is not taken', async (t) => {
  const days = [3, 5, 7, 10, 20, 30, 15, 45, 60, 90, 120];
  const said = days.map((day) => `② 다만 ${day}일 이내의 기간은 넣지 아니한다.`).join('\n');
  t.same(made('quantity', `① ${report}\n${said}`), []);
  t.same(made('quantity', `① ${report}\n② 회사는 2주일 이내에 답하여야 한다.`).length, 1);
  const chunk = articleChunk('제5조', '보고', report);
  const earlier = articleChunk('제5조', '보고', said, {
    chunkId: '시험법(2020-01-01)#제5조',
    title: '시험법(2020-01-01)',
  });
  const { library, article } = read(chunk, earlier);
  const statement = statementsOf(article)[0];
  t.same(statement && falsehoodsOf(statement, { library, random: random() }, new Set(['quantity'])), []);
});

t.test('a quantity that follows from the one named is not taken', async (t) => {
  const cases: [text: string, isSmaller: boolean][] = [
    ['금융회사는 사고를 안 날부터 14일 이내에 그 사실을 신고하여야 한다.', true],
    ['금융회사의 출자는 자기자본의 100분의 30을 초과할 수 없다.', true],
    ['금융회사는 거래기록을 그 작성일부터 5년 이상 보존하여야 한다.', false],
    ['금융위원회는 6개월 이내의 기간을 정하여 업무의 정지를 명할 수 있다.', false],
    ['자본금이 20억원 이상인 금융회사는 준법감시인을 따로 두어야 한다.', true],
  ];
  for (const [text, isSmaller] of cases)
    for (let seed = 0; seed < 6; seed++) {
      const { library, article } = read(articleChunk('제5조', '조문', text));
      const around = { library, random: randomFor('direction', seed) };
      const statement = statementsOf(article)[0];
      const [made] = statement ? falsehoodsOf(statement, around, new Set(['quantity'])) : [];
      t.ok(made, text);
      if (made)
        t.equal(magnitude(made.to) < magnitude(made.from), isSmaller, `${made.from} → ${made.to}: ${text}`);
    }
});

t.test('an actor that may be an instance of the other is not taken', async (t) => {
  const own = '여신전문금융회사는 매년 점검 결과를 공시하여야 한다.';
  const others = '신용카드업자는 정보를 보호하여야 한다.\n은행은 자본금을 유지하여야 한다.';
  t.same(made('actor', own, others), []);
  t.same(made('actor', '금융기관은 매년 점검 결과를 공시하여야 한다.', others), []);
});

t.test('a rule with exceptions is not turned', async (t) => {
  t.same(made('modal', `${report} 다만, 경미한 경우에는 그러하지 아니하다.`), []);
  t.same(made('modal', `① ${report}\n② 제1항에도 불구하고 소규모 회사는 보고하지 아니할 수 있다.`), []);
});

t.test('an exception is ignored', async (t) => {
  const { library, article } = read(
    articleChunk(
      '제5조',
      '보고',
      '금융회사는 사고의 내용을 금융위원회에 보고하여야 한다. 다만, 피해가 경미한 경우에는 그러하지 아니하다.',
    ),
  );
  const exceptions = exceptionsOf(article).map(ignoreException);
  t.same(
    exceptions.map(({ text }) => text),
    ['금융회사는 피해가 경미한 경우에도 사고의 내용을 금융위원회에 보고하여야 한다.'],
  );
  t.ok(exceptions.every((exception) => isProvablyFalse(exception, library)));
});

t.test('a term takes the meaning of another of its kind', async (t) => {
  const { library, article } = read(
    articleChunk(
      '제2조',
      '정의',
      '이 법에서 사용하는 용어의 뜻은 다음과 같다.\n1. “이용자”란 금융회사와 체결한 계약에 따라 거래를 이용하는 자를 말한다.\n2. “가맹점”이란 대금의 지급을 받고 재화나 용역을 제공하는 자를 말한다.\n3. “거래지시”란 거래의 처리를 전자적 장치로 요청하는 행위를 말한다.',
    ),
  );
  const [user] = definitionsOf(article);
  const falsehoods = user ? exchangeTerm(user, random()) : [];
  t.same(
    falsehoods.map(({ text }) => text),
    ['“이용자”란 대금의 지급을 받고 재화나 용역을 제공하는 자를 말한다.'],
  );
  t.ok(falsehoods.every((falsehood) => isProvablyFalse(falsehood, library)));
});

t.test('a stranger comes from another list of the same noun, unless the article speaks of it', async (t) => {
  const { library, article } = read(
    articleChunk(
      '제5조',
      '신고',
      '신고서에는 다음 각 호의 사항을 적어야 한다.\n1. 상호\n2. 영업소의 소재지\n3. 자본금의 규모',
    ),
    articleChunk(
      '제6조',
      '공고',
      '공고에는 다음 각 호의 사항을 적어야 한다.\n1. 공고의 기간\n2. 주된 영업소의 소재지\n3. 이의를 제기할 곳',
    ),
  );
  const [list] = listsOf(article);
  const strangers = list ? strangersTo(list, library) : [];
  t.same(strangers.map(({ text }) => text).sort(), ['공고의 기간', '이의를 제기할 곳']);
});

t.test('what a neighbouring article says is none of this one', async (t) => {
  const { library, article } = read(
    articleChunk('제5조', '보고', report),
    articleChunk(
      '제6조',
      '보존',
      '금융회사는 거래기록을 5년간 보존하여야 하며 그 내용을 변조하여서는 아니 된다.',
    ),
    articleChunk('제7조', '재보고', report.replace('14일', '7일')),
  );
  const beside = statementsBeside(article, library);
  t.same(
    beside.map(({ article: other }) => other.section),
    ['제6조'],
  );
  t.ok(beside.every((statement) => isProvablyFalse(asNeighbour(statement, article), library)));
});

t.test('the purpose of a statute takes an aim of another', async (t) => {
  const purpose = (title: string, text: string) =>
    articleChunk('제1조', '목적', text, { chunkId: `${title}#제1조`, title });
  const { library, article } = read(
    purpose('갑법', '이 법은 전자거래의 절차를 정함으로써 이용자의 권익을 보호함을 목적으로 한다.'),
    purpose('을법', '이 법은 은행의 경영을 지도함으로써 금융시장의 안정에 이바지함을 목적으로 한다.'),
  );
  const [own, other] = library.documents.map(({ articles }) => purposeOf(articles[0] as Article));
  const falsehoods = own && other ? exchangeClauses(own, [other]) : [];
  t.same(falsehoods.map(({ text }) => text).sort(), [
    '이 법은 은행의 경영을 지도함으로써 이용자의 권익을 보호함을 목적으로 한다.',
    '이 법은 전자거래의 절차를 정함으로써 금융시장의 안정에 이바지함을 목적으로 한다.',
  ]);
  t.ok(falsehoods.every((falsehood) => falsehood.article === article && isProvablyFalse(falsehood, library)));
});
