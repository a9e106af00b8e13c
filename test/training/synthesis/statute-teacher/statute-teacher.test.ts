/** Properties of what the teacher writes about real documents, checked without its own verifier. */
import t from 'tap';
import type { Chunk } from '../../../../shared/retrieval/chunk.js';
import { classify } from '../../../../shared/question/classify.js';
import type { DraftRequest } from '../../../../training/synthesis/question-teacher.js';
import { documentIdOf } from '../../../../training/synthesis/statute-teacher/library.js';
import {
  type Composed,
  statuteTeacher,
} from '../../../../training/synthesis/statute-teacher/statute-teacher.js';
import { articleChunk, realChunks } from './real-chunks.js';

const chunks = await realChunks();
const teacher = statuteTeacher(chunks);
const signal = new AbortController().signal;

/** Every other article, all controls and guides, each with other wishes. */
const asked = chunks.filter(({ kind }, i) => kind !== 'addendum' && (kind !== 'article' || i % 2 === 0));
const requests: DraftRequest[] = asked.map((chunk, i) => {
  const choices = i % 2 === 0 ? 4 : 5;
  const wanted = {
    open: i % 7 === 6,
    negated: i % 5 < 2 && i % 7 !== 6,
    choices,
    position: 1 + (i % choices),
  } as const;
  return { chunk, neighbours: [], attempt: 0, ordinal: i % 3, wanted, seed: 7 };
});
const drafts = await Promise.all(
  requests.map(async (request) => ({
    request,
    draft: await teacher.write(request, signal),
    composed: teacher.compose(request),
  })),
);
const written = drafts.flatMap(({ request, draft, composed }) =>
  draft && composed ? [{ request, draft, composed }] : [],
);
const chosen = written.filter(({ draft }) => draft.choices !== undefined);

const letters = (text: string): string => text.replace(/[^\p{L}\p{N}]/gu, '');

t.test('it writes in more than sixteen forms, four in ten of what can be negated negated', async (t) => {
  const forms = new Set(written.map(({ draft }) => draft.form));
  t.ok(forms.size > 16, [...forms].sort().join(' '));
  t.ok(written.length > 300, String(written.length));
  const negated = chosen.filter(({ draft }) => draft.negated).length / chosen.length;
  t.ok(negated > 0.2 && negated < 0.45, String(negated));
});

t.test('the same request gives the same draft, another seed others', async (t) => {
  const again = statuteTeacher(chunks);
  for (const { request, draft } of written.slice(0, 150)) t.same(await again.write(request, signal), draft);
  let changed = 0;
  for (const { request, draft } of written.slice(0, 150)) {
    const other = await teacher.write({ ...request, seed: 8 }, signal);
    if (other?.question !== draft.question || other?.choices?.join() !== draft.choices?.join()) changed++;
  }
  t.ok(changed > 75, String(changed));
});

t.test('a later attempt writes another question', async (t) => {
  let compared = 0;
  for (const { request, draft } of written.slice(0, 200)) {
    const other = await teacher.write({ ...request, attempt: 1 }, signal);
    if (!other) continue;
    compared++;
    t.not(
      [other.question, ...(other.choices ?? [])].join('\n'),
      [draft.question, ...(draft.choices ?? [])].join('\n'),
    );
    t.not(other.qaId, draft.qaId);
  }
  t.ok(compared > 100, String(compared));
});

t.test('the right choice stands where it was wanted, among as many as were wanted', async (t) => {
  for (const { request, draft, composed } of chosen) {
    t.equal(draft.choices?.length, request.wanted.choices);
    t.equal(draft.answer, String(request.wanted.position));
    t.equal(
      draft.choices?.[Number(draft.answer) - 1],
      'key' in composed.question && composed.question.key.text,
    );
    t.equal(new Set(draft.choices).size, draft.choices?.length);
    t.equal(draft.negated, request.wanted.negated);
  }
});

t.test('every choice says whether it is true, and which sentence of the documents tells', async (t) => {
  const printed = letters(
    chunks.map(({ content }) => content.replace(/<[^<>]*\d{4}\.[^<>]*>/gu, '')).join(''),
  );
  let found = 0;
  let told = 0;
  for (const { draft } of chosen) {
    t.equal(draft.statements?.length, draft.choices?.length);
    for (const [i, { isTrue, source }] of (draft.statements ?? []).entries()) {
      t.equal(isTrue, (String(i + 1) === draft.answer) !== draft.negated, draft.question);
      told += 1;
      // What stands before a colon is the name of an article, and members of a list are put after their opening.
      const body = letters(source.slice(source.indexOf(': ') + 1).slice(0, 40));
      if (printed.includes(body.slice(0, 16))) found += 1;
    }
  }
  t.ok(found / told > 0.85, `${found} of ${told}`);
});

t.test('choices are restated, true ones and false ones', async (t) => {
  const judged = chosen.flatMap(({ draft }) =>
    (draft.statements ?? []).map(({ isTrue, source }, i) => ({
      isTrue,
      source,
      choice: draft.choices?.[i] ?? '',
    })),
  );
  const sentences = judged.filter(({ choice }) => choice.length >= 40 && choice.endsWith('다.'));
  const copied = sentences.filter(
    ({ isTrue, source, choice }) => isTrue && letters(source).includes(letters(choice)),
  );
  const trueOnes = sentences.filter(({ isTrue }) => isTrue);
  t.ok(copied.length / trueOnes.length < 0.6, `${copied.length} of ${trueOnes.length} word for word`);
  for (const isTrue of [true, false])
    for (const restated of [/해야 한다\.$/u, /의무가 있다\.$/u, /허용된다\.$/u])
      t.ok(
        sentences.some((one) => one.isTrue === isTrue && restated.test(one.choice)),
        `${isTrue} ${restated}`,
      );
});

t.test('what is to be avoided is not written', async (t) => {
  const [first] = written.filter(({ draft }) => draft.choices !== undefined);
  if (!first) throw new Error('there is no draft');
  const { request, draft } = first;
  const avoiding = { ...request, wanted: { ...request.wanted, avoid: [draft.form] } };
  t.not((await teacher.write(avoiding, signal))?.form, draft.form);
});

t.test('the product reads a question as it was meant', async (t) => {
  for (const { draft } of written) {
    const choices = (draft.choices ?? []).map((choice, i) => `${i + 1} ${choice}`);
    const read = classify([draft.question, ...choices].join('\n'));
    t.equal(read.negated, draft.negated, draft.question);
    t.equal(read.choices.length, draft.choices?.length ?? 0, draft.question);
    t.equal(read.stem, draft.question);
  }
});

t.test('every draft names what it was written from', async (t) => {
  const known = new Map(chunks.map((chunk) => [chunk.chunkId, chunk]));
  const ids = new Set<string>();
  for (const { request, draft } of written) {
    t.equal(draft.contextChunkIds[0], request.chunk.chunkId);
    t.ok(draft.contextChunkIds.every((id) => known.has(id)));
    t.equal(draft.documentId, documentIdOf(request.chunk.title));
    t.ok((draft.explanation ?? '').length > 10, draft.question);
    t.ok(draft.difficultyLevel >= 1 && draft.difficultyLevel <= 5);
    t.notOk(ids.has(draft.qaId));
    ids.add(draft.qaId);
  }
});

/** All that is printed under a heading: a check that shares nothing with the verifier. */
const bodies = new Map<string, string>();
for (const { title, section, content } of chunks) {
  const key = `${documentIdOf(title)}\n${section}`;
  bodies.set(key, (bodies.get(key) ?? '') + letters(content.replace(/<[^<>]*\d{4}\.[^<>]*>/gu, '')));
}

t.test('a false choice stands nowhere in its article, and differs where it was changed', async (t) => {
  let checked = 0;
  for (const { draft, composed } of chosen) {
    if (!('key' in composed.question)) continue;
    const { falsehoods } = composed.question;
    t.equal(falsehoods.length, draft.negated ? 1 : (draft.choices?.length ?? 0) - 1, draft.question);
    for (const falsehood of falsehoods) {
      checked++;
      const { first } = falsehood.article;
      const body = bodies.get(`${documentIdOf(first.title)}\n${first.section}`) ?? '';
      t.notOk(body.includes(letters(falsehood.text)), falsehood.text);
      t.not(letters(falsehood.from), letters(falsehood.to), falsehood.text);
      t.not(letters(falsehood.text), letters(falsehood.original), falsehood.text);
      const changesNumber = falsehood.perturbation === 'quantity' && !/벌금|과태료|징역/u.test(falsehood.to);
      if (changesNumber)
        t.notOk(
          new RegExp(`(?<!\\d)${letters(falsehood.to)}(?!\\d)`, 'u').test(body),
          `${falsehood.to}: ${falsehood.text}`,
        );
    }
  }
  t.ok(checked > 400, String(checked));
});

t.test('particles agree, brackets close, no reference and no mark is left', async (t) => {
  const wrong =
    /(?:위원회|회사|업자|기관의 자|주체|이용자)(?:은|을|과|이(?=\s))|(?:은행|장관|원장|기관)(?:는|를|가|와)(?=\s)/u;
  const texts = chosen.flatMap(({ draft }) => draft.choices ?? []);
  for (const text of texts) {
    t.notOk(wrong.test(text), text);
    t.equal(text.split('(').length, text.split(')').length, text);
    t.notOk(/⟦|⟪|⟨|<개정|<신설|\[본조|undefined|\s{2}/u.test(text), text);
    t.notOk(/(?<!」\s?(?:제\d+조(?:의\d+)?)?)제\d+[항호](?![^「]*」)/u.test(text) && !/「/u.test(text), text);
  }
});

t.test('an open question is answered in one to three sentences with the words of its article', async (t) => {
  const open = written.filter(({ draft }) => draft.choices === undefined);
  t.ok(open.length > 30, String(open.length));
  for (const { draft } of open) {
    t.match(draft.answer, /다\.$/u);
    t.ok(draft.answer.split(/(?<=다\.)\s/u).length <= 3, draft.answer);
    t.ok(draft.answer.length <= 560, draft.answer);
    t.match(draft.question, /(?:서술|설명)하(?:시오|세요)\.$/u);
  }
});

t.test('addenda, repealed articles and texts to come give nothing', async (t) => {
  const wanted = { open: false, negated: false, choices: 4, position: 1 } as const;
  const ask = (chunk: Chunk): Composed | null =>
    statuteTeacher([...chunks, chunk]).compose({
      chunk,
      neighbours: [],
      attempt: 0,
      ordinal: 0,
      wanted,
      seed: 1,
    });
  const text =
    '① 금융위원회는 14일 이내에 결과를 신청인에게 통지하여야 한다.\n② 금융회사는 매년 보고하여야 한다.';
  t.equal(ask(articleChunk('부칙 제1조', '시행일', text, { kind: 'addendum' })), null);
  t.equal(ask(articleChunk('제9조', '', '삭제', { qualityScore: 1 })), null);
  t.equal(ask(articleChunk('제9조', '통지', text, { chunkId: '시험법#제9조(시행 2030-01-01)' })), null);
});

t.test('a chunk that the corpus does not hold is read by itself', async (t) => {
  const chunk = articleChunk(
    '제9조',
    '기간',
    '금융위원회는 신청을 받은 날부터 14일 이내에 그 결과를 신청인에게 통지하여야 한다.',
  );
  const wanted = { open: false, negated: false, choices: 4, position: 3 } as const;
  const draft = await statuteTeacher([]).write(
    { chunk, neighbours: [], attempt: 0, ordinal: 0, wanted, seed: 3 },
    signal,
  );
  t.equal(draft?.answer, '3');
  t.match(draft?.question, /「시험법」 제9조/u);
});

t.test('it stops where it is told to', async (t) => {
  const [request] = requests;
  if (!request) throw new Error('there is no request');
  await t.rejects(teacher.write(request, AbortSignal.abort(new Error('stopped'))), { message: 'stopped' });
});
