import t from 'tap';
import { TextStreamer } from '../../../shared/lm/text-streamer.js';
import { seededRandom } from '../../../shared/random.js';
import { byteTokenizer } from '../../fixtures/byte-tokenizer.js';

const tokenizer = await byteTokenizer();

async function stream(ids: readonly number[]): Promise<string[]> {
  const streamer = new TextStreamer(tokenizer);
  const pieces: string[] = [];
  for (const id of ids) pieces.push(await streamer.push(id));
  pieces.push(await streamer.end());
  return pieces;
}

const bytes = (text: string) => [...Buffer.from(text, 'utf8')];

t.test('a syllable of several tokens comes whole, with its last token', async (t) => {
  t.strictSame(await stream(bytes('가A한')), ['', '', '가', 'A', '', '', '한', '']);
  const ids = await tokenizer.encode('감', { addSpecialTokens: false });
  t.equal(ids.length, 2, 'two tokens, the first of two bytes');
  t.strictSame(await stream(ids), ['', '감', '']);
});

t.test('half a syllable at the end is not given out', async (t) => {
  t.strictSame(await stream(bytes('가나').slice(0, -1)), ['', '', '가', '', '', '']);
});

t.test('a replacement character that is in the text is given out, at the end too', async (t) => {
  t.equal((await stream(bytes('a\uFFFDb'))).join(''), 'a\uFFFDb');
  t.equal((await stream(bytes('a\uFFFD'))).join(''), 'a\uFFFD');
  t.equal((await stream(bytes('\uFFFD\uFFFD가'))).join(''), '\uFFFD\uFFFD가');
});

t.test('bytes that can be no character are replaced once what follows shows it', async (t) => {
  t.equal((await stream([0x61, 0x80, 0xff, 0x62])).join(''), 'a\uFFFD\uFFFDb');
  t.equal((await stream([0x61, 0xec, 0x62])).join(''), 'a\uFFFDb');
});

t.test('special tokens give no text', async (t) => {
  t.equal((await stream([0x61, 256, 0x62])).join(''), 'ab');
});

t.test('pieces put together are the decoded text, for any text and any tokens', async (t) => {
  const random = seededRandom(8);
  const alphabet = [...'가각간ab \n한국어😀é漢', '\uFFFD'];
  for (let round = 0; round < 150; round++) {
    const text = Array.from(
      { length: Math.floor(random() * 40) },
      () => alphabet[Math.floor(random() * alphabet.length)],
    ).join('');
    const ids = await tokenizer.encode(text, { addSpecialTokens: false });
    const pieces = await stream(ids);
    t.equal(pieces.join(''), text);
    t.notOk(
      pieces.some((piece) => Buffer.from(piece, 'utf8').toString('utf8') !== piece),
      'no piece ends inside a surrogate pair',
    );
  }
  for (let round = 0; round < 150; round++) {
    const ids = Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 289));
    const whole = await tokenizer.decode(ids);
    const output = (await stream(ids)).join('');
    t.ok(whole.startsWith(output), 'is a beginning of the decoded text');
    t.match(whole.slice(output.length), /^\uFFFD*$/, 'and lacks only what is no character yet');
  }
});

t.test('decodes a bounded window, however long the text is', async (t) => {
  let longest = 0;
  const streamer = new TextStreamer({
    decode: (ids, options) => {
      longest = Math.max(longest, ids.length);
      return tokenizer.decode(ids, options);
    },
    idToToken: (id) => tokenizer.idToToken(id),
  });
  let text = '';
  const ids = bytes('금융보안 '.repeat(100));
  for (const id of ids) text += await streamer.push(id);
  t.equal(text, '금융보안 '.repeat(100));
  t.ok(longest <= 24, `${longest} tokens at once`);
});

t.test('a decoder that drops the first space keeps the others (SentencePiece)', async (t) => {
  const words = ['▁Hello', '▁big', '▁wor', 'ld', '<0xEA>', '<0xB0>', '<0x80>', '<0xEC>'];
  const decode = async (ids: readonly number[]) => {
    let text = '';
    let run: number[] = [];
    const flush = () => {
      const decoded = Buffer.from(run).toString('utf8');
      // as the library's ByteFallback: a run that is not UTF-8 becomes one replacement for each byte
      text += Buffer.from(decoded, 'utf8').equals(Buffer.from(run)) ? decoded : '\uFFFD'.repeat(run.length);
      run = [];
    };
    for (const id of ids) {
      const byte = /^<0x(..)>$/.exec(words[id]!);
      if (byte) run.push(Number.parseInt(byte[1]!, 16));
      else {
        flush();
        text += words[id]!.replace('▁', ' ');
      }
    }
    flush();
    return text.replace(/^ /, '');
  };
  const streamer = new TextStreamer({ decode, idToToken: (id) => words[id] });
  const pieces: string[] = [];
  for (const id of [0, 1, 2, 3, 4, 5, 6, 7]) pieces.push(await streamer.push(id));
  pieces.push(await streamer.end());
  t.strictSame(pieces, ['Hello', ' big', ' wor', 'ld', '', '', '가', '', '']);
  let long = '';
  const again = new TextStreamer({ decode, idToToken: (id) => words[id] });
  for (let i = 0; i < 60; i++) long += await again.push(i % 4);
  t.equal(long, 'Hello big world'.concat(' Hello big world'.repeat(14)));
});
