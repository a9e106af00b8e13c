import t from 'tap';
import { openChatTemplate } from '../../../shared/lm/chat-template-folder.js';
import type { ChatMessage } from '../../../shared/lm/chat-template.js';

const user: ChatMessage[] = [{ role: 'user', content: '안녕' }];
const json = (value: unknown): string => JSON.stringify(value);

t.test('one template, with the special tokens of the folder', async (t) => {
  const folder = t.testdir({
    'tokenizer_config.json': json({
      chat_template: '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ unk_token }}|{{ pad_token }}',
      bos_token: '<s>',
      eos_token: { __type: 'AddedToken', content: '</s>', lstrip: false },
      pad_token: null,
      add_bos_token: true,
    }),
    'special_tokens_map.json': json({ eos_token: '<old>', unk_token: '<unk>' }),
  });
  const template = await openChatTemplate(folder);
  t.equal(template?.render(user), '<s>안녕</s><unk>|');
});

t.test('of named templates the default is taken', async (t) => {
  const named = (names: string[]): string =>
    json({ chat_template: names.map((name) => ({ name, template: `{{ '${name}' }}` })) });
  const folder = t.testdir({
    both: { 'tokenizer_config.json': named(['tool_use', 'default']) },
    neither: { 'tokenizer_config.json': named(['tool_use', 'rag']) },
  });
  t.equal((await openChatTemplate(`${folder}/both`))?.render(user), 'default');
  await t.rejects(openChatTemplate(`${folder}/neither`), { code: 'MODEL_INVALID', message: /tool_use, rag/ });
});

t.test('a file of its own comes before the configuration', async (t) => {
  const folder = t.testdir({
    'tokenizer_config.json': json({ chat_template: 'configuration', bos_token: '<s>' }),
    'chat_template.jinja': '{{ bos_token }}file',
  });
  t.equal((await openChatTemplate(folder))?.render(user), '<s>file');
});

t.test('variables of the caller come before those of the folder', async (t) => {
  const folder = t.testdir({
    'tokenizer_config.json': json({
      chat_template: '{{ bos_token }}{{ enable_thinking }}',
      bos_token: '<s>',
    }),
  });
  const template = await openChatTemplate(folder, { variables: { bos_token: '', enable_thinking: false } });
  t.equal(template?.render(user), 'false');
});

t.test('a base model has no template', async (t) => {
  t.equal(await openChatTemplate(t.testdir({ 'tokenizer_config.json': json({ bos_token: '<s>' }) })), null);
  t.equal(await openChatTemplate(t.testdir({})), null);
  t.equal(
    await openChatTemplate(t.testdir({ 'tokenizer_config.json': json({ chat_template: null }) })),
    null,
  );
});

t.test('files that cannot be used are named', async (t) => {
  const broken = [
    { 'tokenizer_config.json': '{' },
    { 'tokenizer_config.json': '[]' },
    { 'tokenizer_config.json': json({ chat_template: 7 }) },
    { 'tokenizer_config.json': json({ chat_template: [null] }) },
    { 'tokenizer_config.json': json({ chat_template: '{% if' }) },
    { 'tokenizer_config.json': {} },
    { 'chat_template.jinja': '{{' },
  ];
  for (const [index, files] of broken.entries()) {
    const folder = t.testdir(files);
    const message = index === 6 ? /chat_template\.jinja/ : /tokenizer_config\.json/;
    await t.rejects(openChatTemplate(folder), { code: 'MODEL_INVALID', message }, `${index}`);
  }
});
