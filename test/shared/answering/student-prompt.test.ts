import t from 'tap';
import {
  type AskedPrompt,
  type PromptPassage,
  StudentPrompt,
} from '../../../shared/answering/student-prompt.js';
import type { ChatTemplate } from '../../../shared/lm/chat-template.js';
import { ControlTokens } from '../../../shared/lm/control-tokens.js';
import { classify } from '../../../shared/question/classify.js';
import { seededRandom } from '../../../shared/random.js';
import { codePointTokenizer, fakeLanguageModel } from '../../fixtures/fake-language-model.js';

const chatml: ChatTemplate = {
  render: (messages) =>
    `${messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('')}<|im_start|>assistant\n`,
};
const controls = new ControlTokens(['<|im_start|>', '<|im_end|>']);
const passage = (content: string, title = '안내서'): PromptPassage => ({ title, section: '제1조', content });
const { stem, choices } = classify('백업에 대한 설명으로 옳은 것은?\n1. 매일 한다.\n2. 하지 않는다.');
const wide = { reserveTokens: 1 };

function promptOf(contextLength = 4096, chatTemplate: ChatTemplate | null = chatml): StudentPrompt {
  return new StudentPrompt(fakeLanguageModel({ contextLength, chatTemplate }), controls);
}

const textOf = ({ ids }: AskedPrompt): Promise<string> => codePointTokenizer.decode(ids);
const label = async (prompt: StudentPrompt, passages: PromptPassage[], budget = wide): Promise<string> =>
  textOf(await prompt.label(stem, choices, passages, budget));

t.test('system, passages, question with its choices, and what to write, in this order', async (t) => {
  const text = await label(promptOf(), [passage('첫째 글.'), passage('둘째 글.')]);
  const order = [
    'system',
    '금융보안 전문가',
    'user',
    '자료 1: 안내서 제1조',
    '첫째 글.',
    '자료 2',
    '둘째 글.',
    '<질문>',
  ];
  const places = [...order, '백업에', '1. 매일', '2. 하지', '</질문>', '번호만', 'assistant'].map((part) =>
    text.indexOf(part),
  );
  t.strictSame(
    places,
    [...places].sort((a, b) => a - b),
    text,
  );
  t.ok(places.every((place) => place >= 0));
});

t.test('all tasks begin alike, so that the beginning is computed once', async (t) => {
  const prompt = promptOf();
  const passages = [passage('글.')];
  const [verify] = await prompt.verify(stem, choices, passages, wide);
  const texts = await Promise.all(
    [
      await prompt.label(stem, choices, passages, wide),
      await prompt.continuation(stem, passages, wide),
      verify as AskedPrompt,
      await prompt.open(stem, passages, wide),
      await prompt.rerank(stem, '글.', wide),
    ].map(textOf),
  );
  const shared = texts[0]!.indexOf('<자료');
  t.ok(shared > 60);
  for (const text of texts) t.equal(text.slice(0, shared), texts[0]!.slice(0, shared));
});

t.test('statements of a question differ at the statement only, and speak of what is asked', async (t) => {
  const prompts = await promptOf().verify(stem, choices, [passage('글.')], wide);
  const texts = await Promise.all(prompts.map(textOf));
  t.equal(texts.length, 2);
  t.equal(texts[0]!.replace('매일 한다.', 'X'), texts[1]!.replace('하지 않는다.', 'X'));
  t.notMatch(texts[0], /옳은 것은/);
  const [negated] = await promptOf().verify('백업의 대상이 아닌 것은?', choices, [], wide);
  t.match(await textOf(negated as AskedPrompt), /<질문>\n백업의 대상인 것은\?\n<\/질문>/);
});

t.test('nothing in a question or a passage ends its place, whatever it holds', async (t) => {
  const prompt = promptOf();
  const clean = await label(prompt, [passage('글'), passage('글')]);
  const marks = (text: string): number => text.match(/<\s*\/?\s*(?:자료|질문|진술)/gu)?.length ?? 0;
  const tokens = (text: string): number => text.match(/<\|im_(?:start|end)\|>/gu)?.length ?? 0;
  const random = seededRandom(9);
  const pieces = [
    '<',
    '/',
    '자료',
    '질문',
    '진술',
    '>',
    ' ',
    '\n',
    '</자료 1>',
    '<|im_end|>',
    '<|im_',
    'end|>',
    '\u200b',
    '\r',
    '\0',
    '가',
  ];
  const hostile = (): string =>
    Array.from({ length: 12 }, () => pieces[Math.floor(random() * pieces.length)]).join('');
  for (let i = 0; i < 300; i++) {
    const [question, choice, content, title] = [hostile(), hostile(), hostile(), hostile()];
    const asked = [
      { number: 1, text: choice },
      { number: 2, text: 'ㄴ' },
    ];
    const passages = [passage(content, title), passage('글')];
    for (const written of [
      await prompt.label(question, asked, passages, wide),
      ...(await prompt.verify(question, asked, passages, wide)),
      await prompt.open(question, passages, wide),
      await prompt.rerank(question, content, wide),
    ]) {
      const text = await textOf(written);
      const expected = text.includes('<진술>') ? 8 : text.includes('<자료>') ? 4 : 6;
      if (marks(text) !== expected || tokens(text) !== tokens(clean) || text.includes('\u200b'))
        t.fail(JSON.stringify([question, choice, content, title, text]));
    }
  }
  t.equal(marks(clean), 6);
});

t.test('a passage is cut, and the last ones go where the prompt does not fit', async (t) => {
  const long = passage('가나다라마바사아자차'.repeat(100));
  const whole = await label(promptOf(), [long, passage('둘째'), passage('셋째')]);
  t.match(whole, /…\n<\/자료 1>/);
  t.ok(whole.length < 1200, 'a thousand characters are 320 tokens here');
  const bare = (await label(promptOf(), [])).length;
  let shown = Infinity;
  for (let room = whole.length; room >= bare; room -= 7) {
    const text = await label(promptOf(room + 1), [long, passage('둘째'), passage('셋째')]);
    t.ok(text.length <= room);
    const count = ['<자료 1', '<자료 2', '<자료 3'].filter((mark) => text.includes(mark)).length;
    t.ok(count <= shown, 'fewer passages as the room shrinks');
    shown = count;
    t.match(text, /2\. 하지 않는다\.\n<\/질문>/);
  }
  t.equal(shown, 0);
});

t.test('a budget of tokens bounds the prompt as the context does', async (t) => {
  const passages = [passage('하나'), passage('둘')];
  const whole = await label(promptOf(), passages);
  const cut = textOf(
    await promptOf().label(stem, choices, passages, { reserveTokens: 1, maxPromptTokens: whole.length - 1 }),
  );
  t.notMatch(await cut, /자료 2/);
  const reserved = await promptOf(whole.length + 5).label(stem, choices, passages, { reserveTokens: 6 });
  t.notMatch(await textOf(reserved), /자료 2/);
});

t.test('a question that does not fit alone is refused, a text to re-rank is cut', async (t) => {
  await t.rejects(label(promptOf(100), []), { code: 'LM_CONTEXT_EXCEEDED', message: /has room for 99/ });
  await t.rejects(promptOf(100).rerank('질문', '글', wide), { code: 'LM_CONTEXT_EXCEEDED' });
  const bare = (await promptOf().rerank('질문', '', wide)).ids.length;
  for (let room = bare; room < bare + 60; room++) {
    const { ids } = await promptOf(room + 1).rerank('질문', '긴 글 '.repeat(100), wide);
    t.ok(ids.length <= room);
  }
});

t.test('where a template has no place for a system message, it stands above the user’s', async (t) => {
  const userOnly: ChatTemplate = {
    render: (messages) => {
      if (messages.some(({ role }) => role === 'system')) throw new Error('no system');
      return `[INST] ${messages[0]!.content} [/INST]`;
    },
  };
  const silent: ChatTemplate = {
    render: (messages) =>
      messages
        .filter(({ role }) => role === 'user')
        .map(({ content }) => content)
        .join(),
  };
  for (const template of [userOnly, silent])
    t.match(await label(promptOf(4096, template), []), /금융보안 전문가.*<질문>/su);
});

t.test('a model without a template goes on after the word for answer', async (t) => {
  t.match(
    await label(promptOf(4096, null), []),
    /^당신은 금융보안 전문가.*정답의 번호만 쓰십시오\.\n\n정답:$/su,
  );
});

t.test('messages, text and ids say the same; without a template the text is the message', async (t) => {
  for (const template of [chatml, null]) {
    const asked = await promptOf(4096, template).label(stem, choices, [passage('글.')], wide);
    t.equal(asked.text, await textOf(asked));
    t.equal(asked.text, template?.render(asked.messages) ?? asked.messages[0]!.content);
    t.strictSame(
      asked.messages.map(({ role }) => role),
      template ? ['system', 'user'] : ['user'],
    );
  }
});

t.test('words of ours that a tokenizer takes for control tokens are taken apart too', async (t) => {
  const odd = new ControlTokens(['질문', '정답']);
  const prompt = new StudentPrompt(fakeLanguageModel(), odd);
  const { messages, ids } = await prompt.label(stem, choices, [passage('글.')], wide);
  for (const { content } of messages) t.equal(odd.neutralize(content), content);
  t.match(await codePointTokenizer.decode(ids), /<질 문>.*정 답:$/su);
  t.equal(prompt.answer('정답은'), '정 답은');
});
