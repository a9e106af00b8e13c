/**
 * DOCX to blocks: mammoth reads the styles (Heading 1…6, lists, tables) into HTML, and the HTML path does the
 * rest. Footnotes and comments are left to mammoth; pictures are dropped unread.
 */
import mammoth from 'mammoth';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { cleanText } from './clean-text.js';
import type { DocumentParser, ParsedDocument } from './document.js';
import { blocksOfHtml, linesOfBlocks } from './html.js';
import { refuseZipBomb } from './zip-size.js';

export const parseDocx: DocumentParser = async (bytes, path): Promise<ParsedDocument> => {
  refuseZipBomb(bytes, path);
  let html: string;
  let messages: string[];
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const result = await mammoth.convertToHtml(
      { buffer },
      { convertImage: mammoth.images.imgElement(async () => ({ src: '' })), externalFileAccess: false },
    );
    html = result.value;
    messages = result.messages.map((message) => message.message);
  } catch (error) {
    throw new HaetaeError(
      'DOCUMENT_DAMAGED',
      `${path}: the DOCX file cannot be read (${messageOf(error)}). Open it in a word processor and save it again.`,
      { path },
      { cause: error },
    );
  }
  const { blocks } = blocksOfHtml(cleanText(html));
  if (blocks.length === 0) {
    throw new HaetaeError('DOCUMENT_EMPTY', `${path}: the DOCX file holds no text.`, { path });
  }
  return { title: '', effective: '', blocks, lines: linesOfBlocks(blocks), warnings: [...new Set(messages)] };
};
