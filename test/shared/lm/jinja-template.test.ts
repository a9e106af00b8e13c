import { readFile } from 'node:fs/promises';
import t from 'tap';
import type { ChatMessage } from '../../../shared/lm/chat-template.js';
import { JinjaTemplate } from '../../../shared/lm/jinja-template.js';

interface Reference {
  specialTokens: Record<string, Record<string, string>>;
  conversations: Record<string, ChatMessage[]>;
  cases: {
    template: string;
    conversation: string;
    addGenerationPrompt: boolean;
    variables: Record<string, boolean>;
    /** Null: the template raised. */
    prompt: string | null;
  }[];
}

const folder = new URL('../../reference/', import.meta.url);
const reference: Reference = JSON.parse(await readFile(new URL('chat_template.json', folder), 'utf8'));
const user: ChatMessage[] = [{ role: 'user', content: '안녕' }];
const refused = { code: 'LM_REQUEST_INVALID' };

for (const [name, specialTokens] of Object.entries(reference.specialTokens)) {
  t.test(`${name} renders as apply_chat_template does, text for text`, async (t) => {
    const text = await readFile(new URL(`chat-template/${name}`, folder), 'utf8');
    const cases = reference.cases.filter(({ template }) => template === name);
    t.ok(cases.length > 10);
    for (const { conversation, addGenerationPrompt, variables, prompt } of cases) {
      const template = new JinjaTemplate(text, name, {
        variables: { ...specialTokens, ...variables },
        now: () => new Date(2025, 6, 4, 9, 5, 3),
      });
      const messages = reference.conversations[conversation] as ChatMessage[];
      const render = (): string => template.render(messages, { addGenerationPrompt });
      const title = `${conversation}${addGenerationPrompt ? ', then the assistant' : ''}`;
      if (prompt === null) t.throws(render, refused, title);
      else t.equal(render(), prompt, title);
    }
  });
}

t.test('the assistant’s turn is begun unless told otherwise', async (t) => {
  const template = new JinjaTemplate('{{ add_generation_prompt }}', 'x');
  t.equal(template.render(user), 'true');
  t.equal(template.render(user, { addGenerationPrompt: false }), 'false');
});

t.test('what the template raises is said, and nothing else of the process is seen', async (t) => {
  const template = new JinjaTemplate("{{ raise_exception('no system here') }}", 'x');
  t.throws(() => template.render(user), { ...refused, message: /no system here/ });
  const names = ['process', 'globalThis', 'require', 'constructor', '__proto__', 'work', 'self'];
  for (const name of names) {
    const seen = new JinjaTemplate(`{{ ${name} is defined }}`, 'x').render(user);
    t.equal(seen, 'false', name);
  }
  t.throws(
    () => new JinjaTemplate("{{ messages.constructor.constructor('return 1')() }}", 'x').render(user),
    refused,
  );
});

t.test('a conversation of no messages is refused', async (t) => {
  t.throws(() => new JinjaTemplate('a', 'x').render([]), { ...refused, message: /at least one/ });
});

t.test('a template that never ends is ended', async (t) => {
  const loops = '{% for a in range(1000) %}'.repeat(4) + '{% endfor %}'.repeat(4);
  const template = new JinjaTemplate(loops, 'x', { timeoutMs: 50 });
  const started = performance.now();
  t.throws(() => template.render(user), { ...refused, message: /within 50 ms/ });
  t.ok(performance.now() - started < 5000);
  const recursion = new JinjaTemplate('{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', 'x');
  t.throws(() => recursion.render(user), refused);
  t.equal(new JinjaTemplate('{{ messages[0].content }}', 'x').render(user), '안녕', 'others go on');
});

t.test('ranges are Python’s, up to the length that its sandbox allows', async (t) => {
  const rendered = (range: string): string =>
    new JinjaTemplate(`{{ ${range} | join(',') }}`, 'x').render(user);
  t.equal(rendered('range(3)'), '0,1,2');
  t.equal(rendered('range(1, 6, 2)'), '1,3,5');
  t.equal(rendered('range(3, 0, -1)'), '3,2,1');
  t.equal(rendered('range(3, 0)'), '');
  for (const range of ['range(100001)', 'range(1, 5, 0)', "range('x')", 'range(0, 1, 0.000001)']) {
    t.throws(() => rendered(range), refused, range);
  }
});

t.test('a text that is no template is refused when it is read', async (t) => {
  for (const text of [
    '{% if %}',
    '{{',
    '{% for a in b %}',
    'a'.repeat(1_000_001),
    `{{ ${'('.repeat(100_000)} }}`,
  ]) {
    t.throws(() => new JinjaTemplate(text, 'models/x'), { code: 'MODEL_INVALID', message: /models\/x/ });
  }
});
