import t from 'tap';
import { parseTokenizer, type TokenizerJson } from '../../../shared/lm/tokenizer.js';
import { cutVocabulary, padToken, trainBpe, unknownToken } from '../../../training/embedder/train-bpe.js';

const texts = [
  '금융회사는 전자금융거래의 안전성을 확보하여야 한다.',
  '금융회사는 전자금융거래의 기록을 보존하여야 한다.',
  '전자금융업자는 이용자의 정보를 보호하여야 한다. 제21조ㆍ제22조',
];

async function open(json: TokenizerJson) {
  return parseTokenizer(JSON.stringify(json), 'the test vocabulary');
}

t.test('the vocabulary is learnt from the texts, and the same texts give the same one', async (t) => {
  const json = await trainBpe(texts, 400);
  const tokenizer = await open(json);
  t.ok(tokenizer.vocabSize <= 400);
  t.same([tokenizer.tokenToId(padToken), tokenizer.tokenToId(unknownToken)], [0, 1]);
  t.same([tokenizer.tokenToId('<0x00>'), tokenizer.tokenToId('<0xFF>')], [2, 257]);
  const ids = await tokenizer.encode(texts[0]!);
  t.ok(ids.length <= 8, 'frequent words are few tokens');
  t.same(await trainBpe(texts, 400), json);
});

t.test('any text encodes without the unknown token; characters never seen are spelt in bytes', async (t) => {
  const tokenizer = await open(await trainBpe(texts, 400));
  const inputs = ['뷁', '漢字', 'naïve Ω', '\u0000', '🙂', 'ก็', '[UNK', '  ', '한\u200b글', '١٢٣'];
  const encoded = await tokenizer.encodeBatch(inputs);
  t.notOk(encoded.flat().includes(1));
  t.same(
    encoded[0],
    [0xeb, 0xb7, 0x81].map((byte) => byte + 2),
    '뷁 is its three UTF-8 bytes',
  );
  t.same(encoded[4], [], 'an emoji is no letter and no digit');
  t.same(encoded[7], []);
});

t.test('case, width, composition, middle dots and punctuation make no difference', async (t) => {
  const tokenizer = await open(await trainBpe([...texts, 'pki kisa'], 400));
  const pairs: [string, string][] = [
    ['PKI', 'pki'],
    ['ＫＩＳＡ', 'kisa'],
    ['금융'.normalize('NFD'), '금융'],
    ['제21조ㆍ제22조', '제21조, 제22조'],
    ['(정보)를', '정보 를'],
  ];
  for (const [a, b] of pairs) {
    t.same(await tokenizer.encode(a), await tokenizer.encode(b), `${a} = ${b}`);
  }
  t.equal((await tokenizer.encode('123456789')).length > 2, true, 'long numbers are split');
});

t.test('a cut keeps the first merges, so that a smaller vocabulary is a prefix of the larger', async (t) => {
  const large = await trainBpe(texts, 400);
  const alphabet =
    Object.keys(large.model.vocab).length - new Set(large.model.merges.map((m) => m.join(''))).size;
  const small = cutVocabulary(large, alphabet + 5);
  t.equal(Object.keys(small.model.vocab).length, alphabet + 5);
  t.same(small.model.merges, large.model.merges.slice(0, small.model.merges.length));
  for (const [token, id] of Object.entries(small.model.vocab)) {
    t.equal(large.model.vocab[token], id);
  }
  const tokenizer = await open(small);
  const ids = await tokenizer.encode('금융회사는');
  t.equal(ids.map((id) => tokenizer.idToToken(id)).join(''), '금융회사는');
  const none = cutVocabulary(large, alphabet);
  t.same(none.model.merges, []);
  t.same((await (await open(none)).encode('금융')).length, 2);
});

t.test('a merge whose result is an entry already costs no place', async (t) => {
  const json = cutVocabulary(
    {
      added_tokens: [],
      padding: null,
      model: {
        type: 'BPE',
        vocab: { a: 0, b: 1, c: 2, ab: 3, bc: 4, abc: 5 },
        merges: [
          ['a', 'b'],
          ['b', 'c'],
          ['ab', 'c'],
          ['a', 'bc'],
        ],
      },
    },
    258 + 6,
  );
  t.equal(json.model.merges.length, 4);
  t.equal(json.model.vocab.abc, 263);
});

t.test('a vocabulary too small for its characters says how many it needs', async (t) => {
  await t.rejects(trainBpe(texts, 260), { code: 'CONFIG_INVALID', message: /260 entries is too small/ });
});

t.test('a tokenizer file that is absent or damaged is MODEL_INVALID', async (t) => {
  await t.rejects(parseTokenizer('{"version":', 'here'), { code: 'MODEL_INVALID', message: /here/ });
});
