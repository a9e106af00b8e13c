/**
 * Trains the weights of `spacing.ts` on unbroken Korean text and writes `spacing-weights.json`.
 *
 *     node --import=tsx training/documents/train-spacing.ts TEXT.gz [EXCLUDED_TITLE…]
 *
 * TEXT holds statutes as lines, a title on a line of its own after a blank one; statutes whose title is named
 * are left out, so that accuracy can be measured on their prints. Every position between two characters is an
 * example where a line may break; one pass of logistic regression with AdaGrad, then rounding to bytes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { buckets, scale, spacingFeatures } from './spacing.js';

const learningRate = 0.15;
/** Examples without a space outnumber the others; of those, one in this many is used. */
const keepEvery = 2;
/** Lines are breakable after these. */
const breakable = /[\uac00-\ud7a3\s)\]」』”’"'>,.ㆍ·-]/;

function* examples(path: string, excluded: ReadonlySet<string>): Generator<[string, string, number]> {
  const bytes = gunzipSync(readFileSync(path));
  let skip = false;
  let afterBlank = true;
  let counter = 0;
  let from = 0;
  while (from < bytes.length) {
    const end = bytes.indexOf(10, from);
    const line = bytes
      .toString('utf8', from, end < 0 ? bytes.length : end)
      .replaceAll('**', '')
      .trim();
    from = end < 0 ? bytes.length : end + 1;
    if (afterBlank && line !== '') skip = excluded.has(line);
    afterBlank = line === '';
    if (skip || line.length < 20) continue;
    for (let i = 4; i < line.length - 1; i++) {
      if (line[i] === ' ') yield [line.slice(Math.max(0, i - 12), i), line.slice(i + 1, i + 13), 1];
      else if (line[i - 1] !== ' ' && breakable.test(line[i - 1]!) && counter++ % keepEvery === 0)
        yield [line.slice(Math.max(0, i - 12), i), line.slice(i, i + 12), 0];
    }
  }
}

const [path, ...titles] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: train-spacing.ts TEXT.gz [EXCLUDED_TITLE…]');
  process.exit(2);
}
const weights = new Float32Array(buckets);
const squares = new Float32Array(buckets).fill(1e-2);
let seen = 0;
let wrong = 0;
for (const [left, right, label] of examples(path, new Set(titles))) {
  const features = spacingFeatures(left, right);
  let logit = 0;
  for (const feature of features) logit += weights[feature]!;
  const gradient = 1 / (1 + Math.exp(-logit)) - label;
  for (const feature of features) {
    squares[feature]! += gradient * gradient;
    weights[feature]! -= (learningRate * gradient) / Math.sqrt(squares[feature]!);
  }
  seen++;
  if (logit > 0 !== (label === 1)) wrong++;
  if (seen % 2_000_000 === 0) {
    console.log(`${seen} examples, ${((100 * wrong) / 2_000_000).toFixed(2)} % of the last 2,000,000 wrong`);
    wrong = 0;
  }
}
const bytes = Int8Array.from(weights, (w) => Math.max(-127, Math.min(127, Math.round(w / scale))));
const encoded = Buffer.from(bytes.buffer).toString('base64');
writeFileSync(new URL('./spacing-weights.json', import.meta.url), `{ "weights": "${encoded}" }\n`);
console.log(`${seen} examples; wrote ${encoded.length} characters`);
