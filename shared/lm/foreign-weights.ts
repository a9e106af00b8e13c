/** Weights in forms that are not read here, for errors: a repository may hold nothing but a GGUF or a pickle. */
import { readdir } from 'node:fs/promises';

/** A sentence that names them and says what to do, with a space before it; '' where the folder has none. */
export async function foreignWeights(folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => []);
  const found = names.filter((name) => /\.(?:gguf|bin|pth?|h5|msgpack)$/u.test(name)).sort();
  if (found.length === 0) return '';
  const shown = found.length > 3 ? `${found.slice(0, 3).join(', ')}, …` : found.join(', ');
  return ` There is only ${shown}: take the model in safetensors, or convert it with transformers (save_pretrained).`;
}
