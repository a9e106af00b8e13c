import t from 'tap';
import { seededRandom } from '../../../../shared/random.js';
import { fieldOf, readObjects } from '../../../../training/synthesis/model-teacher/lenient-json.js';

/** As plain data, to compare. */
const read = (text: string): unknown => JSON.parse(JSON.stringify(readObjects(text)));

t.test('a strict document reads as JSON.parse reads it', async (t) => {
  const random = seededRandom(3);
  const letters = [
    '가',
    '"',
    '\\',
    '\n',
    '/',
    "'",
    '“',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ' ',
    'a',
    '😀',
    '\u0001',
    '`',
  ];
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const text = () => Array.from({ length: Math.floor(random() * 8) }, () => pick(letters)).join('');
  const value = (depth: number): unknown => {
    const kind = Math.floor(random() * (depth > 3 ? 5 : 7));
    if (kind === 0) return text();
    if (kind === 1) return Math.round((random() - 0.5) * 1e6) / 100;
    if (kind === 2) return pick([true, false, null]);
    if (kind === 3) return random() * 1e-12;
    if (kind === 4) return Math.floor(random() * 10);
    if (kind === 5) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1));
    return object(depth + 1);
  };
  const object = (depth: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: Math.floor(random() * 4) }, () => [text(), value(depth)]));
  for (let i = 0; i < 500; i++) {
    // A quotation mark inside a string, escaped, may be followed by what follows strings.
    const given = object(0);
    const written = JSON.stringify(given, null, pick([0, 2]));
    t.same(read(written), [JSON.parse(written)], written);
  }
});

const cases: [what: string, text: string, objects: unknown[]][] = [
  ['a code fence', '```json\n{"a": 1}\n```', [{ a: 1 }]],
  ['prose around it', '네, 알겠습니다.\n{"a": "가"}\n도움이 되었기를!', [{ a: '가' }]],
  ['several objects', '{"a": 1} 그리고 {"a": 2}', [{ a: 1 }, { a: 2 }]],
  ['braces in prose before it', '{형식}에 따라 {{"a": 1}', [{ a: 1 }]],
  ['trailing commas', '{"a": [1, 2,], "b": 3,}', [{ a: [1, 2], b: 3 }]],
  ['single quotes', "{'a': 'it''s', 'b': 'don't'}", [{ a: "it''s", b: "don't" }]],
  ['typographic quotes', '{“a”: “가 나”, ‘b’: 1}', [{ a: '가 나', b: 1 }]],
  ['keys without quotes', '{a: 1, 정답: 2, snake_case: 3}', [{ a: 1, 정답: 2, snake_case: 3 }]],
  ['values without quotes', '{"a": 3번, "b": ③}', [{ a: '3번', b: '③' }]],
  ['line breaks in a string', '{"a": "가\n나"}', [{ a: '가\n나' }]],
  [
    'quotes in a string',
    '{"a": "이 법에서 "접근매체"란 무엇인가?", "b": 1}',
    [{ a: '이 법에서 "접근매체"란 무엇인가?', b: 1 }],
  ],
  ['comments', '{"a": 1, // 하나\n/* 둘 */ "b": 2}', [{ a: 1, b: 2 }]],
  ["Python's words", '{"a": True, "b": None, "c": False}', [{ a: true, b: null, c: false }]],
  [
    'a field named __proto__',
    '{"__proto__": {"x": 1}, "constructor": 2}',
    [JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}')],
  ],
  ['an inherited word as a value', '{"a": constructor}', [{ a: 'constructor' }]],
  ['nothing', '모르겠습니다.', []],
  ['an object that was cut off', '{"a": "가나다', []],
  ['a whole object within one that was cut off', '{"a": {"b": 1}, "c": [', [{ b: 1 }]],
];
for (const [what, text, objects] of cases) {
  t.test(`reads ${what}`, async (t) => {
    t.same(read(text), objects);
  });
}

t.test('what is deep or endless comes to an end', async (t) => {
  t.same(readObjects('{"a":'.repeat(10_000)), []);
  t.same(readObjects('['.repeat(10_000)), []);
  t.same(readObjects(`{"a": "${'x'.repeat(500_000)}"}`), []);
});

t.test('a field is found under any of its names, in their order', async (t) => {
  const names = ['answer', 'correct_answer', '정답'];
  t.equal(fieldOf({ correctAnswer: 1 }, names), 1);
  t.equal(fieldOf({ 'Correct Answer': 1 }, names), 1);
  t.equal(fieldOf({ 정답: 2, Answer: 1 }, names), 1);
  t.equal(fieldOf({ answer: null, 정답: 2 }, names), 2);
  t.equal(fieldOf({ other: 2 }, names), undefined);
});
