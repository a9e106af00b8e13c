/** Lists of an article (`다음 각 호의 사항`): what is asked for, and its members that stand alone. */
import type { Article } from '../library.js';
import { remembered } from '../remembered.js';
import { relativePhrase } from './relative-phrase.js';
import { type Standing, selfContained, standAlone } from './self-contained.js';

export interface Member {
  text: string;
  /** A reference was dropped from it. */
  referred: boolean;
  chunkId: string;
}

export interface ItemList {
  article: Article;
  paragraph: number;
  /** The sentence that opens the list, standing alone; null where it leans on another provision. */
  lead: string | null;
  /** A reference was dropped from the lead. */
  referred: boolean;
  /** Before, and the chunk of, the lead as printed. */
  printed: string;
  chunkId: string;
  /** What the members are: 사항, 경우, 행위, 자, … */
  noun: string;
  /** The list as a noun phrase: `상호회사의 발기인이 정관을 작성하여 적어야 하는 사항`; null where none can be made. */
  phrase: string | null;
  /** `대통령령으로 정하는 사항`, quoted from a higher statute. */
  delegated: string | null;
  /** The sentence that this list makes exceptions from. */
  exceptionTo: string | null;
  /** Members that stand alone. */
  members: readonly Member[];
  /** Of all members, as printed. */
  size: number;
}

export const listMark =
  /다음(?:의)? 각 ?호(?:(?:의| 중)? ?(?:어느 하나|모두|하나 이상|일부 또는 전부|전부 또는 일부))?(?:에|의)?(?: (?:모두 )?(?:해당하는|해당되는|따른))?\s?/u;
const nouns =
  '경우|때|행위|자|사람|사항|업무|서류|요건|조치|방법|기준|사업|내용|정보|기관|회사|법인|거래|자료|사무|시책|지원|권리|의무|사유|처분|자산|증권|비용|목적|시설|장비|계획|수단|절차|원칙|대책|기능|활동|금융기관|금융회사|투자자|정책|단체|인력|항목|서비스|기구|상품|임원|채권|부서|직무|역할|통제|공공기관|보호대책|업종|장소|위험|손해';
const nounAfter = new RegExp(`^(${nouns})(?=[을를이가은는의에로와과]|으로|란|\\s|\\.|$)`, 'u');
const notLists = /구분에 따|순서|산식|각 ?호의 (?:금액|율|비율|날|기간|시기|한도)|곱한|합한|뺀/u;

export const listsOf = remembered((article: Article): readonly ItemList[] => {
  const lists: ItemList[] = [];
  // Penalties are asked about as such: see `penalties.ts`.
  if (/벌칙|과태료|양벌/u.test(article.heading)) return lists;
  for (const { paragraph, sentences, items } of article.provisions()) {
    if (items.length < 2) continue;
    const at = sentences.findLastIndex(({ text }) => listMark.test(text));
    const sentence = sentences[at];
    if (!sentence || notLists.test(sentence.text)) continue;
    const isException = /^다만,/u.test(sentence.text);
    const match = listMark.exec(sentence.text) as RegExpExecArray;
    const after = sentence.text.slice(match.index + match[0].length);
    const isSame = /^다음 각 ?호와 같다/u.test(sentence.text.slice(match.index));
    const noun = nounAfter.exec(after)?.[1] ?? (isSame ? '사항' : '');
    if (noun === '') continue;
    const stood = standAlone(sentence.text.replace(listMark, '⟦호⟧'));
    const lead = stood?.text.replace('⟦호⟧', match[0]) ?? null;
    const listedOnly = new RegExp(`^${noun}(?:\\([^()]*\\))?(?:을|를)\\s말한다`, 'u').test(after);
    const quoted =
      /[“"]((?:대통령령|총리령|금융위원회|보호위원회|[가-힣]+부령|[가-힣]+장관)[^”"]{2,30})[”"](?:이)?란/u.exec(
        sentence.text,
      );
    const main = isException ? selfContained(sentences[at - 1]?.text ?? '') : null;
    if ((quoted && !listedOnly) || (isException && (!main || !/^(?:경우|때|행위|자|사람)$/u.test(noun))))
      continue;
    lists.push({
      article,
      paragraph,
      lead,
      referred: stood?.referred ?? false,
      printed: sentence.text,
      chunkId: sentence.chunkId,
      noun,
      phrase: lead === null || isException || quoted ? null : relativePhrase(lead, match[0], noun),
      delegated: quoted?.[1] ?? null,
      exceptionTo: main,
      members: items.flatMap(({ text, chunkId, divided }) => {
        const member = divided ? null : memberText(text);
        return member === null ? [] : [{ ...member, chunkId }];
      }),
      size: items.length,
    });
  }
  return lists;
});

/** The member by itself; null where it only sums up the others, is repealed, or leans on another provision. */
function memberText(text: string): Standing | null {
  if (/^달리 |^그 ?밖[에의]|^기타|^삭제|다음 각 ?목|유사한|준하는|위반|[:：]/u.test(text)) return null;
  const alone = standAlone(text.replace(/[.。]$/u, ''));
  return alone && alone.text.length >= 3 && alone.text.length <= 120 ? alone : null;
}
