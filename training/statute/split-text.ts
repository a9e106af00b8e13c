/**
 * The text of one article to parts of bounded length, cut where the law itself divides: at paragraphs (①),
 * else at items (1.), subitems (가.) and their items (1), 가)), else between sentences; never inside one.
 *
 * Parts are packed greedily up to the target. Joined with line breaks (or with the white space between two
 * sentences), the parts restore the text: nothing is lost, doubled or moved.
 */
import { splitSentences } from '../../shared/text/sentences.js';

export interface SplitLimits {
  /** A text up to this many tokens stays whole. */
  maxTokens: number;
  /** Parts are filled up to this many tokens. */
  targetTokens: number;
}

export interface Part {
  text: string;
  /** What stood between this part and the next one in the text: a line break, or a space inside a line. */
  joint: string;
}

/** Lines that open a division, coarsest first. */
const divisions: readonly RegExp[] = [
  /^[①-⑳㉑-㉟㊱-㊿]/,
  /^\d{1,3}(?:의\d+)*\.(?:\s|[^\d])/,
  /^[가-하거너더러머버서어저처커터퍼허](?:의\d+)?\.\s/,
  /^\(?\d{1,3}\)/,
  /^\(?[가-하]\)/,
  /^/,
];

export function splitText(text: string, count: (text: string) => number, limits: SplitLimits): Part[] {
  if (count(text) <= limits.maxTokens) return [{ text, joint: '' }];
  const atoms = divide(text.split('\n'), 0, count, limits.targetTokens);
  const parts: Part[] = [];
  for (const atom of atoms) {
    const last = parts.at(-1);
    const joined = last ? last.text + last.joint + atom.text : '';
    if (last && count(joined) <= limits.targetTokens) {
      last.text = joined;
      last.joint = atom.joint;
    } else parts.push({ ...atom });
  }
  const end = parts.at(-1);
  if (end) end.joint = '';
  return parts;
}

/** Groups lines at the coarsest division at which every group fits, going finer only for groups that do not. */
function divide(lines: string[], depth: number, count: (text: string) => number, target: number): Part[] {
  const whole = lines.join('\n');
  if (count(whole) <= target) return [{ text: whole, joint: '\n' }];
  const division = divisions[depth];
  if (!division) return sentencesOf(whole);
  const groups: string[][] = [];
  for (const line of lines) {
    const group = groups.at(-1);
    if (!group || division.test(line)) groups.push([line]);
    else group.push(line);
  }
  return groups.flatMap((group) => divide(group, depth + 1, count, target));
}

function sentencesOf(line: string): Part[] {
  const sentences = splitSentences(line);
  return sentences.map((sentence, i) => {
    const text = sentence.trimEnd();
    return { text, joint: i === sentences.length - 1 ? '\n' : sentence.slice(text.length) };
  });
}
