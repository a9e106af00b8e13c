import t from 'tap';
import type { ChatMessage } from '../../../shared/lm/chat-template.js';
import { JinjaTemplate } from '../../../shared/lm/jinja-template.js';
import { dialogueParts } from '../../../training/data/dialogue-parts.js';
import { chatTemplate } from '../../fixtures/tiny-tokenizer.js';

const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
const turnEnd = { id: 9, text: '<|im_end|>' };

/** Parts as one text, what is learnt in braces. */
function shown(messages: ChatMessage[], template: string | null): string {
  const style = { template: template === null ? null : new JinjaTemplate(template, 'test'), turnEnd };
  return dialogueParts(messages, style, 'f:1')
    .map((part) => {
      const text = 'text' in part ? part.text : part.ids.map((id) => (id === 9 ? '<end>' : '?')).join('');
      return part.isTrained ? `{${text}}` : text;
    })
    .join('');
}

t.test('the answer and the end of its turn are learnt, behind the prompt that serves', async (t) => {
  t.equal(
    shown([{ role: 'system', content: 's' }, user('q'), assistant('a')], chatTemplate),
    '<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n{a}{<end>}',
  );
});

t.test('of a conversation every answer is learnt', async (t) => {
  t.equal(
    shown([user('q'), assistant(' a '), user('r'), assistant('b')], chatTemplate),
    '<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n{ a }{<end>}\n<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n{b}{<end>}',
  );
});

const trimming = chatTemplate.replace("message['content']", "(message['content'] | trim)");

t.test('where the template trims what is said, answers are learnt trimmed', async (t) => {
  t.equal(
    shown([user('q'), assistant(' a '), user('r'), assistant('b\n')], trimming),
    '<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n{a}{<end>}\n<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n{b}{<end>}',
  );
});

t.test('where the template rewrites earlier turns, only the last answer is learnt', async (t) => {
  const forgetful =
    "{% for m in messages %}{% if m.role == 'user' %}Q {{ m.content }}\n{% else %}A ...\n{% endif %}{% endfor %}" +
    '{% if add_generation_prompt %}A {% endif %}';
  t.equal(
    shown([user('q'), assistant('a'), user('r'), assistant('b')], forgetful),
    'Q q\nA ...\nQ r\nA {b}{<end>}',
  );
});

t.test('a conversation may begin with the assistant: that is no answer', async (t) => {
  t.equal(
    shown([assistant('hello'), user('q'), assistant('a')], chatTemplate),
    '<|im_start|>assistant\nhello<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n{a}{<end>}',
  );
});

t.test('without a template the response follows the prompt', async (t) => {
  t.equal(shown([user('질문\n답: '), assistant('예')], null), '질문\n답: {예}{<end>}');
  t.throws(() => shown([user('q'), assistant('a'), user('r'), assistant('b')], null), {
    code: 'TRAINING_DATA_INVALID',
    message: /^f:1: the conversation has 4 messages, and the tokenizer's folder has no chat template/,
  });
});

t.test('messages that the template refuses are named by their place', async (t) => {
  const strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no system here') }}{% endif %}x";
  t.throws(() => shown([{ role: 'system', content: 's' }, assistant('a')], strict), {
    code: 'TRAINING_DATA_INVALID',
    message: /^f:1: The chat template of the model refuses these messages: .*no system here/,
  });
});
