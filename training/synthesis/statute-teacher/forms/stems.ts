/** The words in which exams ask. */
import { pick, type Random } from '../choosing.js';
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

const about = {
  positive: [
    '에 대한 설명으로 옳은 것은?',
    '에 대한 설명으로 가장 적절한 것은?',
    '에 관한 설명으로 옳은 것은?',
    '의 내용으로 옳은 것은?',
  ],
  negated: [
    '에 대한 설명으로 옳지 않은 것은?',
    '에 대한 설명으로 틀린 것은?',
    '에 관한 설명으로 적절하지 않은 것은?',
    '의 내용으로 옳지 않은 것은?',
  ],
};

/** `…에 대한 설명으로 옳지 않은 것은?` */
export function askAbout(subject: string, negated: boolean, random: Random): string {
  const lead = random() < 0.4 ? '다음 중 ' : '';
  return `${lead}${subject}${pick(negated ? about.negated : about.positive, random)}`;
}

/** `…에 해당하지 않는 것은?` */
export function askMember(subject: string, negated: boolean, random: Random): string {
  const lead = random() < 0.5 ? '다음 중 ' : '';
  const ending = negated
    ? pick(['에 해당하지 않는 것은?', '에 해당하지 아니하는 것은?', '에 포함되지 않는 것은?'], random)
    : pick(['에 해당하는 것은?', '에 해당하는 것으로 옳은 것은?'], random);
  return `${lead}${subject}${ending}`;
}
