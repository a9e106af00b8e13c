/**
 * What a model folder says of its own licence, date and origin: the YAML front matter of `README.md` (the model
 * card of the hub), the texts of its licence files, and `config.json`.
 *
 * Nothing is guessed: times of files say when they were copied, not when a model was published, and are not read.
 *
 *   license: apache-2.0          a name, or a list of names; `other` stands for `license_name`
 *   base_model: Qwen/Qwen2.5-3B  a name, or a list of names
 *   release_date: 2024-09-19     also `released`, `date`; a month alone means its last day
 */
import { parse } from 'yaml';
import { licenceOfText } from './licence-text.js';

/** Something that was said, and the file that says it. */
export interface Statement {
  value: string;
  from: string;
}

export interface ModelCard {
  /** Licences as they are written; all that were found. */
  licences: Statement[];
  /** Dates of publication, YYYY-MM-DD; all that were found. */
  released: Statement[];
  baseModels: string[];
  /** Things that could not be read, in words. */
  problems: string[];
}

export interface CardSources {
  /** Text of README.md, if there is one. */
  readme?: string;
  /** Names and texts of the licence files: weights often have another than the code beside them. */
  licences?: readonly { name: string; text: string }[];
  /** `config.json`, parsed, if there is one. */
  config?: Record<string, unknown>;
}

const dateKeys = ['release_date', 'released', 'date'] as const;
/** Words that stand in the place of a licence but name none. */
const noLicence = /^(?:other|unknown|none|n\/a|-)?$/iu;

export function readModelCard({ readme, licences = [], config }: CardSources): ModelCard {
  const card: ModelCard = { licences: [], released: [], baseModels: [], problems: [] };
  if (readme !== undefined) readFrontMatter(readme, card);
  if (config !== undefined) addLicences(config, 'config.json', card);
  for (const { name, text } of licences)
    if (text.trim() !== '') card.licences.push({ value: licenceOfText(text), from: name });
  return card;
}

function readFrontMatter(readme: string, card: ModelCard): void {
  const block = /^\uFEFF?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)/su.exec(readme)?.[1];
  if (block === undefined) {
    card.problems.push('README.md begins with no front matter (--- … ---)');
    return;
  }
  let values: unknown;
  try {
    values = parse(block);
  } catch {
    card.problems.push('the front matter of README.md is not valid YAML');
    return;
  }
  if (values === null || typeof values !== 'object' || Array.isArray(values)) {
    card.problems.push('the front matter of README.md holds no keys');
    return;
  }
  const front = values as Record<string, unknown>;
  addLicences(front, 'README.md', card);
  card.baseModels.push(...texts(front.base_model));
  for (const key of dateKeys) {
    for (const written of texts(front[key])) {
      const value = lastDay(written);
      if (value === undefined)
        card.problems.push(`README.md gives ${key}: ${written.slice(0, 40)}, which is no date (YYYY-MM-DD)`);
      else card.released.push({ value, from: `README.md, ${key}` });
    }
  }
}

function addLicences(values: Record<string, unknown>, from: string, card: ModelCard): void {
  const written = texts(values.license);
  const named = texts(values.license_name);
  for (const value of written.flatMap((each) => (/^other$/iu.test(each) ? named : each))) {
    if (!noLicence.test(value)) card.licences.push({ value, from });
  }
}

/** A text, or the texts of a list; anything else is nothing. */
function texts(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((each) => typeof each === 'string').map((each) => each.trim());
}

/** The last day that a date of day or month precision can mean; undefined where it is none. */
export function lastDay(written: string): string | undefined {
  const parts = /^(\d{4})-(\d{2})(?:-(\d{2}))?(?:T.*)?$/u.exec(written.trim());
  if (parts === null) return undefined;
  const [, year = '', month = '', day] = parts;
  const end = new Date(Date.UTC(Number(year), Number(month), 0));
  if (Number(month) < 1 || Number(month) > 12) return undefined;
  if (day !== undefined && (Number(day) < 1 || Number(day) > end.getUTCDate())) return undefined;
  return `${year}-${month}-${day ?? String(end.getUTCDate())}`;
}
