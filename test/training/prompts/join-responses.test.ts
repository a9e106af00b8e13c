import t from 'tap';
import type { Response } from '../../../training/formats/response.js';
import type { TaskPrompt } from '../../../training/formats/task-prompt.js';
import { joinResponses } from '../../../training/prompts/join-responses.js';
import { smallPrompt, smallResponse } from '../../fixtures/small-questions.js';
import { seededRandom } from '../../../shared/random.js';

/** A prompt with words of its own, and a response to it. */
const prompt = (id: string, more: Partial<TaskPrompt> = {}): TaskPrompt =>
  smallPrompt(id, { formatPrompt: `words of ${id}`, ...more });
const response = (id: string, generatedText: string, more: Partial<Response> = {}): Response =>
  smallResponse(id, { formatPrompt: `words of ${id}`, generatedText, ...more });

const calibrates = { split: 'calibration', documentId: '방화벽' } as const;
const prompts = [
  prompt('a'),
  prompt('b', calibrates),
  prompt('twin', { formatPrompt: 'words of a' }),
  ...['no-teacher', 'no-student', 'both', 'other', 'cut', 'blank', 'mute', 'half', 'same'].map((id) =>
    prompt(id),
  ),
];
const teacher = [
  response('a', ' 2\n'),
  response('b', '3'),
  response('twin', '2', { formatPrompt: 'words of a' }),
  response('no-student', '1'),
  response('both', '1'),
  response('both', '2'),
  response('other', '1', { formatPrompt: 'older words' }),
  response('cut', '1 2 3', { finishReason: 'length' }),
  response('blank', ' \n'),
  response('mute', '1'),
  response('half', 'x\ud800'),
  response('same', '4'),
  response('stray', '4'),
];
const student = [
  response('a', ' 4 because'),
  response('b', '1', { finishReason: 'length' }),
  response('twin', '2', { formatPrompt: 'words of a' }),
  response('no-teacher', '1'),
  ...['both', 'other', 'cut', 'blank', 'half'].map((id) => response(id, '1')),
  response('mute', ''),
  response('same', '4 '),
  response('same', '4 '),
];

t.test('responses to a prompt become a pair; what is dropped is counted for one reason each', async (t) => {
  const { train, validation, dropped, identical, strays } = joinResponses(prompts, teacher, student);
  t.strictSame(train, [
    {
      promptId: 'a',
      prompt: '질문',
      chosen: [
        { role: 'user', content: '질문' },
        { role: 'assistant', content: '2' },
      ],
      rejected: [
        { role: 'user', content: '질문' },
        { role: 'assistant', content: ' 4 because' },
      ],
      source: '백업',
    },
    {
      promptId: 'same',
      prompt: '질문',
      chosen: [
        { role: 'user', content: '질문' },
        { role: 'assistant', content: '4' },
      ],
      rejected: [
        { role: 'user', content: '질문' },
        { role: 'assistant', content: '4 ' },
      ],
      source: '백업',
    },
  ]);
  t.match(validation, [{ promptId: 'b', source: '방화벽' }]);
  t.strictSame(dropped, {
    ...{ repeated: 1, missingTeacher: 1, missingStudent: 1, contradictory: 1, otherPrompt: 1 },
    ...{ truncatedTeacher: 1, emptyTeacher: 1, emptyStudent: 1, unreadable: 1, contaminated: 0 },
  });
  t.equal(identical, 1);
  t.equal(strays, 1);
});

t.test('a prompt of the teacher’s own goes with the pair, as messages', async (t) => {
  const user = (content: string) => [{ role: 'user' as const, content }];
  const given = [
    prompt('plain', { teacherPrompt: 'more words' }),
    prompt('chat', { teacherPrompt: '<user>more words', teacherMessages: user('more') }),
    prompt('none'),
  ];
  const same = ['plain', 'chat', 'none'].map((id) => response(id, '2'));
  const { train, identical } = joinResponses(given, same, same);
  t.equal(identical, 3, 'equal responses stay');
  t.strictSame(
    new Map(train.map(({ promptId, teacherPrompt }) => [promptId, teacherPrompt])),
    new Map([
      ['chat', user('more')],
      ['none', undefined],
      ['plain', user('more words')],
    ]),
  );
});

t.test('the order of the files does not matter', async (t) => {
  const random = seededRandom(3);
  const shuffled = <T>(list: readonly T[]): T[] =>
    list
      .map((item) => ({ item, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  const expected = joinResponses(prompts, teacher, student);
  for (let i = 0; i < 20; i++) {
    t.strictSame(joinResponses(shuffled(prompts), shuffled(teacher), shuffled(student)), expected);
  }
});

t.test('a response that is like a measured question takes its pair with it', async (t) => {
  for (const said of ['2', ' 4 because']) {
    const isMeasured = (text: string) => text.trim() === said.trim();
    const { train, dropped } = joinResponses(prompts, teacher, student, isMeasured);
    t.equal(dropped.contaminated, 1, said);
    t.notOk(train.some(({ promptId }) => promptId === 'a'));
  }
});

t.test('a document on both sides, or a question that is measured on, is an error', async (t) => {
  const both = [prompt('a'), prompt('b', { split: 'calibration' })];
  t.throws(() => joinResponses(both, teacher, student), {
    code: 'TRAINING_DATA_INVALID',
    message: /'백업' are both in train and in calibration/,
  });
  const measured = [prompt('a', { split: 'validation' })];
  t.throws(() => joinResponses(measured, teacher, student), {
    code: 'TRAINING_DATA_INVALID',
    message: /prompt a is/,
  });
});
