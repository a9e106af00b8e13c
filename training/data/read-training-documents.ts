/**
 * The documents of data files, as a stream: JSONL in the forms of `parseJsonDocument`, plain text (`.txt`, `.md`)
 * with a document to a file or to a block between empty lines, `.gz` of either.
 *
 * A plain text file is one document, known by its name. With `textDocuments: 'block'` an empty line ends a document,
 * which is known by its first line (a statute's title, say): versions of one title are then one source, and ids stay
 * when blocks are added before them. A line of white space is no end: printed tables and formulas hold such lines.
 */
import { type DataFile, listDataFiles } from './data-files.js';
import { dataError } from './data-error.js';
import { parseJsonDocument } from './parse-json-document.js';
import { readTextLines, type TextLines } from './text-lines.js';
import { type DocumentKind, formsOf, type TextDocument, type TrainingDocument } from './training-document.js';

export interface ReadOptions<Kind extends DocumentKind = DocumentKind> {
  /** Only this kind is taken, another is an error. Default: any. */
  kind?: Kind;
  /** What a document is in a plain text file. Default `file`. */
  textDocuments?: 'file' | 'block';
  /** Called with the bytes of each read, as they are on disk. */
  onRead?: (bytes: number) => void;
}

/** Characters of one plain text document: a tokenizer needs about 100 bytes for each token of it. */
const maxDocumentLength = 32 * 2 ** 20;
const maxIdLength = 200;

/**
 * Documents in the order of the files. Blank ones are left out.
 * @throws HaetaeError TRAINING_DATA_INVALID, naming file and line.
 */
export async function* readTrainingDocuments<Kind extends DocumentKind = DocumentKind>(
  paths: readonly string[],
  options: ReadOptions<Kind> = {},
): AsyncGenerator<Extract<TrainingDocument, { kind: Kind }>> {
  for (const file of await listDataFiles(paths)) {
    for await (const document of documentsOf(file, options)) {
      yield document as Extract<TrainingDocument, { kind: Kind }>;
    }
  }
}

/** As `readTrainingDocuments`, of one file. */
export async function* documentsOf(
  file: DataFile,
  { kind, textDocuments = 'file', onRead }: ReadOptions,
): AsyncGenerator<TrainingDocument> {
  const source = readTextLines(file.path, { name: file.name, ...(onRead ? { onRead } : {}) });
  if (file.format === 'jsonl') {
    yield* jsonDocuments(file, source, kind);
  } else if (kind !== undefined && kind !== 'text') {
    throw dataError(file.name, 'this is plain text.', `JSONL with ${formsOf[kind]} is needed.`);
  } else {
    yield* textDocuments === 'file' ? wholeFile(file, source) : blocks(file, source);
  }
}

type Source = AsyncIterable<TextLines>;

async function* jsonDocuments(
  file: DataFile,
  source: Source,
  kind?: DocumentKind,
): AsyncGenerator<TrainingDocument> {
  for await (const { firstLine, lines } of source) {
    for (const [i, line] of lines.entries()) {
      if (line.trim() === '') continue;
      const document = parseJsonDocument(line, `${file.name}:${firstLine + i}`, kind);
      if (document.kind !== 'text' || document.text.trim() !== '') yield document;
    }
  }
}

async function* wholeFile(file: DataFile, source: Source): AsyncGenerator<TextDocument> {
  const parts: string[] = [];
  let length = 0;
  for await (const { lines } of source) {
    const part = lines.join('\n');
    length = checkedLength(length + part.length + 1, file.name);
    parts.push(part);
  }
  const text = parts.join('\n');
  if (text.trim() !== '') yield { kind: 'text', documentId: file.name, where: file.name, text };
}

async function* blocks(file: DataFile, source: Source): AsyncGenerator<TextDocument> {
  let block: string[] = [];
  let startLine = 1;
  let length = 0;
  let hasText = false;
  const take = (): TextDocument => {
    const title = block.find((line) => line.trim() !== '')!.trim();
    const where = `${file.name}:${startLine}`;
    return { kind: 'text', documentId: title.slice(0, maxIdLength), where, text: block.join('\n') };
  };
  for await (const { firstLine, lines } of source) {
    for (const [i, line] of lines.entries()) {
      if (line === '') {
        if (hasText) yield take();
        block = [];
        hasText = false;
        length = 0;
        continue;
      }
      if (block.length === 0) startLine = firstLine + i;
      block.push(line);
      hasText ||= line.trim() !== '';
      length = checkedLength(length + line.length + 1, `${file.name}:${startLine}`);
    }
  }
  if (hasText) yield take();
}

function checkedLength(length: number, where: string): number {
  if (length <= maxDocumentLength) return length;
  throw dataError(
    where,
    `the document is longer than ${maxDocumentLength} characters.`,
    'Split it; where empty lines stand between documents, set textDocuments to block.',
  );
}
