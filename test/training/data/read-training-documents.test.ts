import { gzipSync } from 'node:zlib';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { type ReadOptions, readTrainingDocuments } from '../../../training/data/read-training-documents.js';
import type { TrainingDocument } from '../../../training/data/training-document.js';

async function read(paths: string[], options: ReadOptions = {}): Promise<TrainingDocument[]> {
  const all: TrainingDocument[] = [];
  for await (const document of readTrainingDocuments(paths, options)) all.push(document);
  return all;
}

t.test('a folder of mixed files is read in order, blank documents are left out', async (t) => {
  const folder = t.testdir({
    'a.jsonl': '{"text": "하나"}\n\n{"text": " "}\n{"text": "둘", "docId": 9}\n',
    'b.md': '# 셋\n\n본문\n',
    'empty.txt': '\n \n',
  });
  await writeFile(join(folder, 'c.txt.gz'), gzipSync('넷'));
  t.strictSame(
    (await read([folder], { kind: 'text' })).map((d) => [d.documentId, d.where, d.kind === 'text' && d.text]),
    [
      ['a.jsonl:1', 'a.jsonl:1', '하나'],
      ['9', 'a.jsonl:4', '둘'],
      ['b.md', 'b.md', '# 셋\n\n본문'],
      ['c.txt.gz', 'c.txt.gz', '넷'],
    ],
  );
});

t.test('an empty line ends a block, a line of white space does not', async (t) => {
  const folder = t.testdir({
    // As the collection of statutes is written: a title, its articles, an empty line; tables hold blank lines.
    'law.txt': '갑법\n제1조(목적)\n \t\n    계산식\n\n\n을법\r\n제1조\r\n\r\n \n\n갑법\n제1조(개정)',
  });
  t.strictSame(
    (await read([folder], { textDocuments: 'block' })).map((d) => [
      d.documentId,
      d.where,
      d.kind === 'text' && d.text,
    ]),
    [
      ['갑법', 'law.txt:1', '갑법\n제1조(목적)\n \t\n    계산식'],
      ['을법', 'law.txt:7', '을법\n제1조'],
      ['갑법', 'law.txt:12', '갑법\n제1조(개정)'],
    ],
  );
});

t.test('blocks are the same however many reads they span', async (t) => {
  const blocks = Array.from(
    { length: 300 },
    (_, i) => `제목 ${i}\n${'조문입니다.\n'.repeat((i * 37) % 900)}끝`,
  );
  const folder = t.testdir({ 'law.txt': `${blocks.join('\n\n')}\n` });
  const found = await read([folder], { textDocuments: 'block' });
  t.strictSame(
    found.map((d) => d.kind === 'text' && d.text),
    blocks,
  );
});

t.test('errors name file and line', async (t) => {
  const folder = t.testdir({ 'a.jsonl': '{"text": "x"}\nno json\n', 'b.txt': 'x' });
  await t.rejects(read([folder]), {
    code: 'TRAINING_DATA_INVALID',
    message: /^a\.jsonl:2: the line is not JSON/,
  });
  await t.rejects(read([join(folder, 'b.txt')], { kind: 'pair' }), {
    message: /^b\.txt: this is plain text\. JSONL with \{promptId/,
  });
});

t.test('a text file too long for one document says how to read it', async (t) => {
  const folder = t.testdir();
  await writeFile(
    join(folder, 'long.txt.gz'),
    gzipSync(`${'가'.repeat(999)}\n`.repeat(34_000), { level: 1 }),
  );
  await t.rejects(read([folder]), {
    message: /^long\.txt\.gz: the document is longer than .* set textDocuments/,
  });
});
