/** The words in which exams ask. */
import { pick, type Random } from '../choosing.js';
import { withParticle } from '../language/particles.js';
import type { Article } from '../library.js';

/** `「전자금융거래법」`; where the title is dated, `「전자금융감독규정」(2025. 2. 5. 시행)`. */
export function lawName({ document: { id, title } }: Article): string {
  const date = /\((\d{4})-(\d{2})-(\d{2})\)$/u.exec(title);
  return date ? `「${id}」(${date[1]}. ${Number(date[2])}. ${Number(date[3])}. 시행)` : `「${id}」`;
}

/** `「전자금융거래법」 제6조(접근매체의 선정과 사용 및 관리)`. */
export function placeOf(article: Article): string {
  const heading = article.heading === '' ? '' : `(${article.heading})`;
  return `${lawName(article)} ${article.section}${heading}`;
}

/** Headings that say nothing without their article. */
const bare =
  /^(?:정의|목적|적용 ?범위|벌칙|과태료|다른 법률과의 관계|준용.*|권한의 위임.*|업무|업무 등|등기|회의|구성|임원|감사|자본금|신고|보고|공고|기타|시행규칙|시행일|직무|의결|해산|설립|조직|정관)$/u;

/** The matter of an article as an examination names it, with or without its number: `「…법」상 접근매체의 관리`. */
export function matterOf(article: Article, random: Random): string {
  const law = lawName(article);
  const { heading, section } = article;
  if (heading === '' || heading.length > 34 || bare.test(heading) || random() < 0.35) return placeOf(article);
  return pick(
    [
      `${law}상 ${heading}`,
      `${law}상 ‘${heading}’`,
      `${law}에 따른 ${heading}`,
      `${law}에서 정한 ${heading}`,
      `${law} ${section}에 따른 ${heading}`,
      `${law}의 ${heading}`,
    ],
    random,
  ) as string;
}

const leads = ['', '', '', '다음 중 ', '다음 중 ', '다음 보기 중 '] as const;

const about = {
  positive: [
    '에 대한 설명으로 옳은 것은?',
    '에 대한 설명으로 가장 적절한 것은?',
    '에 대한 설명으로 가장 옳은 것은?',
    '에 대한 설명 중 옳은 것은?',
    '에 관한 설명으로 옳은 것은?',
    '에 관한 설명으로 적절한 것은?',
    '에 관한 내용으로 옳은 것은?',
    '에 대한 내용으로 알맞은 것은?',
    '의 내용으로 옳은 것은?',
    '에 대하여 바르게 설명한 것은?',
  ],
  negated: [
    '에 대한 설명으로 옳지 않은 것은?',
    '에 대한 설명으로 틀린 것은?',
    '에 대한 설명으로 가장 적절하지 않은 것은?',
    '에 대한 설명 중 옳지 않은 것은?',
    '에 관한 설명으로 적절하지 않은 것은?',
    '에 관한 설명 중 잘못된 것은?',
    '에 관한 내용으로 옳지 않은 것은?',
    '에 대한 내용으로 바르지 않은 것은?',
    '의 내용으로 옳지 않은 것은?',
  ],
};

/** `…에 대한 설명으로 옳지 않은 것은?` */
export function askAbout(subject: string, negated: boolean, random: Random): string {
  return `${pick(leads, random)}${subject}${pick(negated ? about.negated : about.positive, random)}`;
}

/** `…에 해당하지 않는 것은?` */
export function askMember(subject: string, negated: boolean, random: Random): string {
  const ending = negated
    ? pick(
        [
          '에 해당하지 않는 것은?',
          '에 해당하지 아니하는 것은?',
          '에 포함되지 않는 것은?',
          '에 해당하는 것이 아닌 것은?',
          '으로 옳지 않은 것은?',
          '으로 적절하지 않은 것은?',
        ],
        random,
      )
    : pick(
        [
          '에 해당하는 것은?',
          '에 해당하는 것으로 옳은 것은?',
          '에 포함되는 것은?',
          '으로 옳은 것은?',
          '으로 가장 적절한 것은?',
        ],
        random,
      );
  const told = ending?.startsWith('으로')
    ? withParticle(subject, '으로') + ending.slice(2)
    : `${subject}${ending}`;
  return `${pick(leads, random)}${told}`;
}
