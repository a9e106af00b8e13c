/** sha256 of the files of a model folder that decide what is trained: weights, configuration, tokenizer. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { fileHash } from './read-corpus.js';

const deciding =
  /^(?:config|generation_config|tokenizer|tokenizer_config|special_tokens_map)\.json$|\.safetensors$|^chat_template\.jinja$/u;

/** @throws HaetaeError FILE_NOT_FOUND where there is no such folder */
export async function modelInputs(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `The model folder ${folder} cannot be read (${messageOf(error)}). Paths are relative to the folder the command runs in.`,
      { path: folder },
    );
  });
  const inputs: Record<string, string> = {};
  for (const name of names.filter((it) => deciding.test(it)).sort()) {
    inputs[`the model's ${join(folder, name)}`] = await fileHash(join(folder, name));
  }
  return inputs;
}
