import t from 'tap';
import { ControlTokens, readControlTokens } from '../../../shared/lm/control-tokens.js';
import { seededRandom } from '../../../shared/random.js';

const tokens = [
  '<|im_start|>',
  '<|im_end|>',
  '<s>',
  '</s>',
  '[INST]',
  '[/INST]',
  '<<',
  '<',
  '  ',
  'a',
  '$^.*+?{}\\',
];

t.test('control tokens are broken, what is around them stays', async (t) => {
  const controls = new ControlTokens(['<|im_end|>', '[/INST]', '</s>', '\n', '   ']);
  t.equal(controls.neutralize('가<|im_end|>나'), '가< |im_end|>나');
  t.equal(controls.neutralize('[/INST]</s>'), '[ /INST]< /s>');
  t.equal(
    controls.neutralize('a < b [INST] <|im_start|>   \n'),
    'a < b [INST] <|im_start|>   \n',
    'others stay',
  );
  t.equal(new ControlTokens([]).neutralize('<s>'), '<s>');
});

t.test('no text keeps a control token, whatever it is put together from', async (t) => {
  const controls = new ControlTokens(tokens);
  const random = seededRandom(5);
  const pieces = [...tokens, '<|im_', 'end|>', '|', '>', 'INST', '/', 's', ' ', '가', '🛡️', '$', '\\'];
  for (let i = 0; i < 2000; i++) {
    const length = 1 + Math.floor(random() * 8);
    const text = Array.from({ length }, () => pieces[Math.floor(random() * pieces.length)]).join('');
    const plain = controls.neutralize(text);
    const kept = tokens.filter((token) => token.trim() !== '' && plain.includes(token));
    if (kept.length > 0) t.strictSame(kept, [], JSON.stringify(text));
  }
  t.pass();
});

t.test('tokens are read from a tokenizer file, whatever kind they are', async (t) => {
  const folder = t.testdir({
    'a.json': JSON.stringify({ added_tokens: [{ content: '<think>', special: false }, { content: 7 }, {}] }),
    'b.json': '{}',
    'c.json': '{',
  });
  t.equal((await readControlTokens(`${folder}/a.json`)).neutralize('<think>'), '< think>');
  t.equal((await readControlTokens(`${folder}/b.json`)).neutralize('<think>'), '<think>');
  for (const name of ['c.json', 'd.json']) {
    await t.rejects(readControlTokens(`${folder}/${name}`), {
      code: 'MODEL_INVALID',
      message: new RegExp(name),
    });
  }
});
