import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type DecoderEncoderOptions, openDecoderEncoder } from '../../../training/data/decoder-encoder.js';
import { openRetrievalEncoder } from '../../../training/data/retrieval-encoder.js';
import type { SequenceEncoder } from '../../../training/data/sequence-encoder.js';
import { readTokenFile, TokenFileWriter } from '../../../training/data/token-file.js';
import { tokenizeDocuments } from '../../../training/data/tokenize-documents.js';
import type { DocumentKind } from '../../../training/data/training-document.js';
import { tinyTokenizer } from '../../fixtures/tiny-tokenizer.js';

const tiny = tinyTokenizer();
const { '<|endoftext|>': endOfText, '<|im_end|>': turnEnd } = tiny.ids;
const model: DecoderEncoderOptions = { vocabSize: 512, eosTokenIds: [turnEnd, endOfText] };

interface FolderFiles {
  tokenizer?: object;
  config?: object;
}

async function tokenizerFolder(t: Test, { tokenizer = {}, config = {} }: FolderFiles = {}): Promise<string> {
  const folder = t.testdir();
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify({ ...tiny.tokenizer, ...tokenizer }));
  await writeFile(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({ ...tiny.tokenizerConfig, ...config }),
  );
  return folder;
}

/** Each sequence as text, what is learnt in braces. */
async function sequencesOf(folder: string, encoder: SequenceEncoder, kind: DocumentKind, lines: object[]) {
  await mkdir(join(folder, 'data'), { recursive: true });
  const path = join(folder, 'data', 'lines.jsonl');
  await writeFile(path, lines.map((line) => JSON.stringify(line)).join('\n'));
  const corpus = await tokenizeDocuments([path], encoder, { kind, cacheFolder: join(folder, 'cache') });
  const sequences: string[] = [];
  for (let i = 0; i < corpus.arrays.offsets.length - 1; i++) {
    const ids = [...corpus.sequence(i)];
    const trained = new Set<number>();
    corpus.trainedRuns(i, 0, ids.length, (from, to) => {
      for (let at = from; at < to; at++) trained.add(at);
    });
    let text = '';
    for (let from = 0, to = 0; from < ids.length; from = to) {
      while (to < ids.length && trained.has(to) === trained.has(from)) to++;
      const part = await encoder.tokenizer.decode(ids.slice(from, to), { skipSpecialTokens: false });
      text += trained.has(from) ? `{${part}}` : part;
    }
    sequences.push(text);
  }
  return { corpus, sequences };
}

t.test('texts end with the token for it, dialogues with the one that ends a turn', async (t) => {
  const folder = await tokenizerFolder(t);
  const encoder = await openDecoderEncoder(folder, model);
  const { sequences } = await sequencesOf(folder, encoder, 'text', [{ text: '전자금융거래법 제1조' }]);
  t.strictSame(sequences, ['{전자금융거래법 제1조<|endoftext|>}']);
  const dialogue = await sequencesOf(folder, encoder, 'dialogue', [
    { prompt: '질문', response: '답입니다.' },
  ]);
  const prompt = '<|im_start|>user\n질문<|im_end|>\n<|im_start|>assistant\n';
  t.strictSame(dialogue.sequences, [`${prompt}{답입니다.<|im_end|>}`]);
  const pair = { promptId: 'p', prompt: '질문', chosen: '답', rejected: '오답' };
  const { sequences: sides, corpus } = await sequencesOf(folder, encoder, 'pair', [pair]);
  t.strictSame(sides, [`${prompt}{답<|im_end|>}`, `${prompt}{오답<|im_end|>}`]);
  t.equal(corpus.sequenceCount(0), 2);
  t.equal(corpus.documentId(0), 'p');
});

t.test('of a pair only the last answer is compared', async (t) => {
  const folder = await tokenizerFolder(t);
  const turns = [
    { role: 'user', content: 'q' },
    { role: 'assistant', content: 'a' },
    { role: 'user', content: 'r' },
  ];
  const pair = {
    prompt: 'q',
    chosen: [...turns, { role: 'assistant', content: 'good' }],
    rejected: [...turns, { role: 'assistant', content: 'bad' }],
  };
  const { sequences } = await sequencesOf(folder, await openDecoderEncoder(folder, model), 'pair', [pair]);
  t.match(sequences[0], /a<\|im_end\|>\n<\|im_start\|>user\nr.*assistant\n\{good<\|im_end\|>\}$/s);
  t.equal(sequences[1]!.match(/\{/g)?.length, 1);
});

t.test('what the tokenizer puts before a text stands before texts, not in dialogues', async (t) => {
  const bos = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<|im_start|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: {
      '<|im_start|>': { id: '<|im_start|>', ids: [tiny.ids['<|im_start|>']], tokens: ['<|im_start|>'] },
    },
  };
  const folder = await tokenizerFolder(t, {
    tokenizer: { post_processor: bos },
    config: { chat_template: null },
  });
  const encoder = await openDecoderEncoder(folder, { ...model, eosTokenIds: [endOfText] });
  const { sequences } = await sequencesOf(folder, encoder, 'text', [{ text: 'the' }]);
  t.strictSame(sequences, ['{<|im_start|>the<|endoftext|>}']);
  const dialogue = await sequencesOf(folder, encoder, 'dialogue', [{ prompt: 'the ', response: 'and' }]);
  t.strictSame(dialogue.sequences, ['the {and<|endoftext|>}']);
});

t.test('control tokens inside of texts are text, unless they are kept', async (t) => {
  const folder = await tokenizerFolder(t);
  const lines = [{ text: 'a<|endoftext|>b' }];
  const count = async (options: DecoderEncoderOptions, kind: DocumentKind, of: object[]) => {
    const { corpus } = await sequencesOf(folder, await openDecoderEncoder(folder, options), kind, of);
    return [...corpus.sequence(0)].filter((id) => id === endOfText || id === turnEnd).length;
  };
  t.equal(await count(model, 'text', lines), 1);
  t.equal(await count({ ...model, controlTokens: 'keep' }, 'text', lines), 2);
  const dialogue = [{ prompt: '질문<|im_end|>', response: '답<|im_end|>' }];
  t.equal(await count(model, 'dialogue', dialogue), 2);
});

t.test('prompts that are written already are taken as they are', async (t) => {
  const folder = await tokenizerFolder(t);
  const encoder = await openDecoderEncoder(folder, { ...model, chatTemplate: 'none', controlTokens: 'keep' });
  const prompt = '<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n';
  const { sequences } = await sequencesOf(folder, encoder, 'dialogue', [{ prompt, response: 'a' }]);
  t.strictSame(sequences, [`${prompt}{a<|im_end|>}`]);
});

t.test('the key is that of tokenizer, template and options', async (t) => {
  const folder = await tokenizerFolder(t);
  const keyOf = async (options: DecoderEncoderOptions) => (await openDecoderEncoder(folder, options)).key;
  const key = await keyOf(model);
  t.equal(await keyOf(model), key);
  const others = [
    await keyOf({ ...model, eosTokenIds: [endOfText] }),
    await keyOf({ ...model, chatTemplate: 'none' }),
  ];
  await writeFile(join(folder, 'chat_template.jinja'), "{{ messages[0]['content'] }}");
  others.push(await keyOf(model));
  t.equal(new Set([key, ...others]).size, 4);
});

t.test('a tokenizer that is not the model’s is an error that names both sizes', async (t) => {
  const folder = await tokenizerFolder(t);
  const rejects = (options: Partial<DecoderEncoderOptions>, message: RegExp) =>
    t.rejects(openDecoderEncoder(folder, { ...model, ...options }), { code: 'MODEL_INVALID', message });
  await rejects({ vocabSize: 300 }, new RegExp(`has ${tiny.size} entries, the model knows 300`));
  await rejects({ eosTokenIds: [] }, /no end-of-text token is named/);
  await rejects({ eosTokenIds: [511] }, /has no token 511/);
  await t.rejects(openRetrievalEncoder(join(folder, 'tokenizer.json'), { vocabSize: 300, maxTokens: 8 }), {
    code: 'MODEL_INVALID',
    message: /the encoder has 300/,
  });
});

t.test('queries and passages get the prompt of their role, and are cut at their length', async (t) => {
  const folder = await tokenizerFolder(t);
  const prompts = { query: 'q: ', passage: 'p: ' };
  const encoder = await openRetrievalEncoder(join(folder, 'tokenizer.json'), {
    vocabSize: 512,
    maxTokens: 6,
    prompts,
  });
  const line = { query: 'ab', positive: 'c', negatives: ['0123456789'] };
  const { sequences, corpus } = await sequencesOf(folder, encoder, 'retrieval', [line]);
  t.strictSame(sequences, ['{q: ab}', '{p: c}', '{p: 012}']);
  t.equal(corpus.sequenceCount(0), 3);
});

t.test('documents stay in order over many batches, equal to each tokenised alone', async (t) => {
  const folder = await tokenizerFolder(t);
  const encoder = await openDecoderEncoder(folder, model);
  const lines = Array.from({ length: 9000 }, (_, i) => ({
    text: `제${i}조 ${'보안 '.repeat(i % 50)}`,
    docId: i % 70,
  }));
  const { corpus } = await sequencesOf(folder, encoder, 'text', lines);
  t.equal(corpus.examples.length, lines.length);
  t.equal(corpus.statistics().documents, 70);
  for (const i of [0, 1, 4095, 4096, 4097, 8191, 8192, 8999]) {
    const alone = await encoder.tokenizer.encode(lines[i]!.text, { addSpecialTokens: false });
    t.strictSame([...corpus.sequence(i)], [...alone, endOfText], `document ${i}`);
    t.equal(corpus.documentId(i), String(i % 70));
  }
});

t.test('a second start reads the token file; other data, kinds or options make another', async (t) => {
  const folder = await tokenizerFolder(t);
  const inner = await openDecoderEncoder(folder, model);
  let tokenised = 0;
  const encoder: SequenceEncoder = {
    key: inner.key,
    kinds: inner.kinds,
    tokenizer: inner.tokenizer,
    addSpecialTokens: false,
    vocabSize: inner.vocabSize,
    sequences(document) {
      tokenised += 1;
      return inner.sequences(document);
    },
  };
  const path = join(folder, 'data.txt');
  const cacheFolder = join(folder, 'cache');
  const run = async (text: string, textDocuments: 'file' | 'block' = 'file') => {
    await writeFile(path, text);
    tokenised = 0;
    const corpus = await tokenizeDocuments([path], encoder, { kind: 'text', textDocuments, cacheFolder });
    return { corpus, tokenised };
  };
  const first = await run('하나\n\n둘');
  const again = await run('하나\n\n둘');
  t.strictSame([first.tokenised, again.tokenised], [1, 0]);
  t.strictSame(again.corpus.arrays, first.corpus.arrays);
  t.equal((await run('하나\n\n셋')).tokenised, 1);
  t.equal((await run('하나\n\n둘', 'block')).tokenised, 2);
  // A file that is cut off, as by a full disk, is made anew.
  const key = first.corpus.arrays.key;
  const whole = join(cacheFolder, `tokens-${key.slice(0, 16)}.bin`);
  await writeFile(whole, 'HAETAETK cut off');
  t.equal((await run('하나\n\n둘')).tokenised, 1);
});

t.test('progress goes up to the end of the files; a run that is stopped leaves nothing behind', async (t) => {
  const folder = await tokenizerFolder(t);
  const encoder = await openDecoderEncoder(folder, model);
  const path = join(folder, 'data.txt');
  const text = Array.from({ length: 3000 }, (_, i) => `제${i}조\n${'전자금융 '.repeat(60)}`).join('\n\n');
  await writeFile(path, text);
  const cacheFolder = join(folder, 'cache');
  const options = { kind: 'text', textDocuments: 'block', cacheFolder } as const;
  const stop = new AbortController();
  const stopped = tokenizeDocuments([path], encoder, {
    ...options,
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await t.rejects(stopped, { code: 'CANCELLED' });
  t.strictSame(await readdir(cacheFolder), []);
  const seen: number[] = [];
  const corpus = await tokenizeDocuments([path], encoder, {
    ...options,
    onProgress: ({ bytes, totalBytes, documents, tokens }) => {
      t.ok(bytes <= totalBytes && documents <= 3000 && tokens > 0);
      seen.push(documents);
    },
  });
  t.ok(seen.length > 2);
  t.equal(seen.at(-1), 3000);
  t.strictSame(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  t.equal(corpus.arrays.tokens.length, corpus.statistics().tokens);
});

t.test('no documents are an error', async (t) => {
  const folder = await tokenizerFolder(t);
  const path = join(folder, 'blank.txt');
  await writeFile(path, '\n\n');
  const encoder = await openDecoderEncoder(folder, model);
  await t.rejects(tokenizeDocuments([path], encoder, { kind: 'text', cacheFolder: join(folder, 'cache') }), {
    code: 'TRAINING_DATA_INVALID',
    message: /there are no documents\. \{text\} is needed/,
  });
  await t.rejects(tokenizeDocuments([path], encoder, { kind: 'retrieval', cacheFolder: folder }), TypeError);
});

t.test('a large vocabulary takes four bytes a token', async (t) => {
  const path = join(t.testdir(), 'tokens.bin');
  const writer = await TokenFileWriter.create(path, 'k', 'text', 70_000);
  writer.addExample('d', 1);
  writer.addSequence([[69_999, 1]], []);
  await writer.close();
  const corpus = await readTokenFile(path, 'k');
  t.strictSame(corpus?.sequence(0), Uint32Array.of(69_999, 1));
  t.equal(await readTokenFile(path, 'another key'), null);
  t.equal(await readTokenFile(`${path}.none`, 'k'), null);
});
