/** Grades out of what a model has written, or why there are none. */
import type { Judgement } from '../question-teacher.js';
import { fieldOf, type JsonObject, readObjects } from './lenient-json.js';

const gradeNames = {
  grounding: ['grounding', 'groundedness', '근거'],
  key: ['key', 'key_unambiguous', 'unambiguous_key', 'answer', '정답'],
  leakage: ['leakage', 'leak', '누설', '노출'],
  distractors: ['distractors', 'distractor_plausibility', '오답', '보기'],
} as const;
const scoreNames = ['score', 'overall', 'total', '점수', '총점'];
const reasonNames = ['reasons', 'reason', 'problems', 'flaws', '흠', '이유', '사유'];

const most = 10;
/** A grade above was given of a hundred. */
const surelyOfHundred = 20;
const mostReasons = 10;
const longestReason = 200;

export function readJudgement(text: string, hasChoices: boolean): Judgement | string {
  const object = readObjects(text).findLast(
    (found) => gradesOf(found).length > 0 || gradeOf(fieldOf(found, scoreNames)) !== undefined,
  );
  if (!object) return 'the reply holds no JSON object with a grade';
  const { grounding, key, leakage, distractors } = gradeNames;
  const wanted = [grounding, key, leakage, ...(hasChoices ? [distractors] : [])];
  const grades = onOneScale(wanted.map((names) => gradeOf(fieldOf(object, names))));
  const reasons = reasonsOf(fieldOf(object, reasonNames));
  if (grades) {
    const mean = grades.reduce((sum, grade) => sum + grade, 0) / grades.length;
    return { score: Math.min(grades[0]!, grades[1]!, mean), reasons };
  }
  const overall = onOneScale([gradeOf(fieldOf(object, scoreNames))]);
  return overall ? { score: overall[0]!, reasons } : 'the reply lacks a grade';
}

function gradesOf(object: JsonObject): number[] {
  return Object.values(gradeNames).flatMap((names) => gradeOf(fieldOf(object, names)) ?? []);
}

/** `8`, `"8"`, `"8/10"`, `"80/100"`, `"8점"`, `{score: 8}`: of ten, not yet within 0 to 10. */
function gradeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return gradeOf(fieldOf(value as JsonObject, scoreNames) ?? null);
  }
  if (typeof value !== 'string') return undefined;
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*(?:\/\s*(\d+)|점|%)?\s*$/u.exec(value);
  if (!match) return undefined;
  const of = match[2] === undefined ? most : Number(match[2]);
  return of > 0 ? (Number(match[1]) / of) * most : undefined;
}

/** Within 0 to 10; undefined where one is missing. Models that grade of a hundred do so throughout. */
function onOneScale(grades: readonly (number | undefined)[]): number[] | undefined {
  const given = grades.filter((grade) => grade !== undefined);
  if (given.length < grades.length) return undefined;
  const divisor = Math.max(...given) > surelyOfHundred ? most : 1;
  return given.map((grade) => Math.min(most, Math.max(0, grade / divisor)));
}

function reasonsOf(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list
    .filter((reason) => typeof reason === 'string')
    .map((reason) => reason.replace(/\s+/gu, ' ').trim().slice(0, longestReason))
    .filter((reason) => reason !== '' && !/^(?:없음|없다|none|n\/a|-)\.?$/iu.test(reason))
    .slice(0, mostReasons);
}
