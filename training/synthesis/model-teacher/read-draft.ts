/**
 * A question out of what a model has written, or why there is none.
 *
 * What can be set right is: choices with numbers in front, as one text or under letters; an answer as number, mark,
 * letter or text of the choice; choices too many; the right choice at another place than wanted. What cannot, such as
 * an answer that names no choice, is said in words that the model is told when it is asked again.
 */
import { splitChoices } from '../../../shared/question/choices.js';
import { isNegated } from '../../../shared/question/negation.js';
import type { WantedQuestion } from '../question-teacher.js';
import { fieldOf, type JsonObject, readObjects } from './lenient-json.js';

export interface WrittenQuestion {
  question: string;
  /** Number of the right choice, from 1; else the answer. */
  answer: string;
  choices?: string[];
  explanation?: string;
  /** 1 to 5. */
  difficulty: number;
}

const names = {
  question: ['question', 'stem', '문제', '질문', '발문'],
  choices: ['choices', 'options', '보기', '선택지'],
  answer: ['answer', 'correct_answer', 'correct', 'answer_index', '정답', '답', '모범답안'],
  explanation: ['explanation', 'rationale', 'reason', '해설', '근거', '설명'],
  difficulty: ['difficulty', 'difficulty_level', '난이도'],
} as const;

const leastQuestion = 6;
const longestQuestion = 1_000;
const longestChoice = 500;
const longestAnswer = 2_000;
const longestExplanation = 1_000;

/** Thrown inside, so that the steps read one after the other. */
class Unreadable extends Error {}

/** The question, or what is wrong with the text, in Korean. */
export function readDraft(text: string, wanted: WantedQuestion): WrittenQuestion | string {
  // The last: some repeat the form before they fill it in.
  const object = readObjects(text).findLast((found) => fieldOf(found, names.question) !== undefined);
  if (!object) return 'question이 있는 JSON 객체가 없다.';
  try {
    return wanted.open ? readOpen(object) : readMultipleChoice(object, wanted);
  } catch (error) {
    if (error instanceof Unreadable) return error.message;
    throw error;
  }
}

function readOpen(object: JsonObject): WrittenQuestion {
  const given = fieldOf(object, names.answer);
  const answer = Array.isArray(given) ? given.map(textOf).join(' ') : textOf(given);
  if (!/\p{L}{2}/u.test(answer)) throw new Unreadable('answer가 모범 답안이 아니다.');
  if (answer.length > longestAnswer) throw new Unreadable('answer가 너무 길다.');
  const { stem, choices } = splitChoices(questionOf(object));
  if (choices.length > 0) throw new Unreadable('서술형이어야 하는데 보기가 있다.');
  return { question: checkedQuestion(stem), answer, ...extras(object) };
}

function readMultipleChoice(object: JsonObject, wanted: WantedQuestion): WrittenQuestion {
  const split = splitChoices(questionOf(object));
  const question = checkedQuestion(split.stem);
  const given = fieldOf(object, names.choices);
  const labelled =
    given === undefined ? split.choices.map(({ text }) => ({ label: '', text })) : choicesOf(given);
  const texts = withoutNumbers(labelled.map(({ text }) => text.replace(/\s+/gu, ' ').trim()));
  const key = keyIn(fieldOf(object, names.answer), labelled, texts);
  if (isNegated(question) !== wanted.negated) {
    throw new Unreadable(wanted.negated ? '틀린 것을 묻는 문제가 아니다.' : '맞는 것을 묻는 문제가 아니다.');
  }
  const choices = placed(distinct(texts, key, wanted.choices), texts[key]!, wanted.position);
  const problem = choices.map(problemOf).find((found) => found !== null);
  if (problem) throw new Unreadable(problem);
  const { explanation, ...rest } = extras(object);
  // A number in it was that of another order.
  const keeps = explanation !== undefined && !/[①-⑩]|\d\s*번|보기\s*\d/u.test(explanation);
  return { question, answer: String(wanted.position), choices, ...rest, ...(keeps ? { explanation } : {}) };
}

/** `[문제 1]`, `질문:`, `Q3.`, `1.` */
const heading = /^\s*(?:\[(?:문제|질문|Q)\s*\d*\]|(?:문제|질문|Q)\s*\d*\s*[.:)]|\d{1,2}[.)](?!\d))\s*/u;

function questionOf(object: JsonObject): string {
  const question = fieldOf(object, names.question);
  if (typeof question !== 'string') throw new Unreadable('question이 글이 아니다.');
  return question.replace(heading, '').trim();
}

function checkedQuestion(stem: string): string {
  const question = stem
    .replace(/[ \t]+/gu, ' ')
    .replace(/\s*\n\s*/gu, '\n')
    .trim();
  if (question.length < leastQuestion) throw new Unreadable('question이 비었거나 너무 짧다.');
  if (question.length > longestQuestion) throw new Unreadable('question이 너무 길다.');
  return question;
}

interface LabelledChoice {
  /** `A`, `①` where the choices are the fields of an object; else empty. */
  label: string;
  text: string;
}

function choicesOf(given: unknown): LabelledChoice[] {
  if (typeof given === 'string') {
    return splitChoices(given).choices.map(({ text }) => ({ label: '', text }));
  }
  if (Array.isArray(given)) {
    return given.map((item) => ({ label: '', text: textOf(isObject(item) ? textField(item) : item) }));
  }
  if (isObject(given)) {
    return Object.entries(given).map(([label, text]) => ({ label, text: textOf(text) }));
  }
  throw new Unreadable('choices가 글의 목록이 아니다.');
}

function textField(object: JsonObject): unknown {
  return fieldOf(object, ['text', 'content', 'choice', 'value', 'option', '내용', '보기']);
}

const number = /^(?:\(?(?:[1-9]|10)[.)](?!\d)|[①-⑩]|\(?[A-Ja-j][.)]|[1-9]\s*번[.:)])\s*/u;

/** What stands before one choice only is part of it: `e.g. …`. */
function withoutNumbers(texts: readonly string[]): string[] {
  return texts.every((text) => number.test(text))
    ? texts.map((text) => text.replace(number, ''))
    : [...texts];
}

const marks = '①②③④⑤⑥⑦⑧⑨⑩';

/** Index of the choice that the answer names, as number, mark, letter or text. */
function keyIn(given: unknown, labelled: readonly LabelledChoice[], texts: readonly string[]): number {
  const answer = isObject(given) ? textOf(fieldOf(given, ['number', 'index', 'text'])) : textOf(given);
  if (answer === '') throw new Unreadable('answer가 없다.');
  const plain = texts.map(comparable);
  const isBare = /^\P{L}{0,3}(?:\d{1,2}|[A-Ja-j]|[①-⑩])\s*번?\P{L}{0,3}$/u.test(answer);
  const [whole] = indicesOf(plain, comparable(answer));
  // `3번 이상 실패하면 …` begins with a number, and is no number.
  if (whole !== undefined && !isBare) return whole;
  const byText = indicesOf(plain, comparable(isBare ? answer : answer.replace(number, '')));
  const byLabel = indicesOf(
    labelled.map(({ label }) => comparable(label)),
    comparable(answer.replace(/번$/u, '')),
  );
  const byNumber = numberIn(answer);
  const found = byLabel[0] ?? byNumber ?? byText[0];
  if (found === undefined || found < 0 || found >= texts.length) {
    throw new Unreadable(`answer가 보기 1~${texts.length} 가운데 하나를 가리키지 않는다.`);
  }
  // Choices that are numbers themselves: `3` may be the third, or the one that says 3.
  if (byText.length > 0 && !byText.includes(found)) {
    throw new Unreadable('answer가 보기의 번호인지 내용인지 알 수 없다.');
  }
  return found;
}

/** `3`, `3번`, `③`, `C`, `정답: 3`, `3. …`; undefined where none stands in front. */
function numberIn(answer: string): number | undefined {
  const bare = answer.replace(/^\s*(?:정답|답|answer)\s*(?:은|는)?\s*[:：]?\s*/iu, '');
  const digits = /^[([]?(\d{1,2})(?:[)\].:]|\s*번|\s*$)(?!\d)/u.exec(bare)?.[1];
  if (digits !== undefined) return Number(digits) - 1;
  const mark = marks.indexOf(bare.charAt(0));
  if (bare !== '' && mark >= 0) return mark;
  const letter = /^[([]?([A-Ja-j])(?:[)\].:]|\s*$)/u.exec(bare)?.[1];
  return letter === undefined ? undefined : letter.toUpperCase().charCodeAt(0) - 'A'.charCodeAt(0);
}

function indicesOf(values: readonly string[], value: string): number[] {
  return value === '' ? [] : values.flatMap((other, i) => (other === value ? [i] : []));
}

/** The choices that are alike only once, the right one among them, and as many as wanted: false ones may go. */
function distinct(texts: readonly string[], key: number, count: number): string[] {
  const right = texts[key]!;
  const seen = new Set([comparable(right)]);
  const different = texts.filter((text, i) => {
    const plain = comparable(text);
    if (i === key) return true;
    if (plain === '' || seen.has(plain)) return false;
    seen.add(plain);
    return true;
  });
  if (different.length < count) {
    throw new Unreadable(`서로 다른 보기가 ${count}개여야 하는데 ${different.length}개이다.`);
  }
  const surplus = new Set(different.filter((text) => text !== right).slice(count - 1));
  return different.filter((text) => !surplus.has(text));
}

/** With the right choice at `position`, from 1; the one that stood there takes its place. */
function placed(choices: readonly string[], right: string, position: number): string[] {
  const from = choices.indexOf(right);
  return choices.with(from, choices[position - 1]!).with(position - 1, right);
}

function problemOf(choice: string): string | null {
  if (comparable(choice) === '') return '빈 보기가 있다.';
  if (choice.length > longestChoice) return '보기가 너무 길다.';
  // After they have changed places, they would mean others.
  const pointsToOthers =
    /[①-⑩]|(?:^|[\s,])\d\s*번(?:\s*보기|과|와|,|은\s|$)|보기\s*\d|(?:^|위의?\s*)(?:모두|전부)\s*(?:옳|맞|틀|해당|정답)|위의?\s*(?:보기|모두|어느)|정답\s*없음/u;
  return pointsToOthers.test(choice) ? '다른 보기를 가리키는 보기가 있다.' : null;
}

function extras(object: JsonObject): Pick<WrittenQuestion, 'difficulty' | 'explanation'> {
  const explanation = textOf(fieldOf(object, names.explanation)).slice(0, longestExplanation);
  const level = Number(/\d+/u.exec(textOf(fieldOf(object, names.difficulty)))?.[0] ?? 3);
  return {
    difficulty: Math.min(5, Math.max(1, level)),
    ...(explanation === '' ? {} : { explanation }),
  };
}

/** What differs only in spaces, marks and width is alike. */
function comparable(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s.,·'"“”‘’()[\]「」『』:;!?]/gu, '');
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : '';
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
