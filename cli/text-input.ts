/** Text that a command works on: an option's own, a file's, or what standard input brings. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { HaetaeError, messageOf } from '../shared/errors.js';

export interface TextInput {
  /** The text itself. */
  text?: string | undefined;
  /** A file in UTF-8; `-` is standard input, and so is neither. */
  file?: string | undefined;
}

/** @throws HaetaeError USAGE where text and file are given, or the text is no UTF-8; FILE_NOT_FOUND */
export async function readTextInput(
  input: TextInput,
  names: { text: string; file: string },
  stdin: NodeJS.ReadableStream & { isTTY?: boolean } = process.stdin,
): Promise<string> {
  if (input.text !== undefined && input.file !== undefined)
    throw new HaetaeError('USAGE', `${names.text} and ${names.file} say the same thing twice. Give one.`);
  if (input.text !== undefined) return input.text;
  if (input.file !== undefined && input.file !== '-') return decode(await readBytes(input.file), input.file);
  if (stdin.isTTY) process.stderr.write('Reading from the terminal; Ctrl-D ends the text.\n');
  return text(stdin);
}

/** Without the line break that editors and `echo` put at the end. */
export function withoutLastLineBreak(value: string): string {
  return value.replace(/\r?\n$/u, '');
}

async function readBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => {
    throw new HaetaeError('FILE_NOT_FOUND', `Cannot read ${path}: ${messageOf(error)}.`, { path });
  });
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HaetaeError('USAGE', `${name} is not UTF-8 text. Save it as UTF-8.`, { path: name });
  }
}
