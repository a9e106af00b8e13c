/** Finds every tensor of a checkpoint folder, in one safetensors file or in shards listed by an index. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../errors.js';
import { readSafetensorsHeader } from '../../onnx/safetensors.js';
import type { LocatedTensor } from './tensor-reader.js';

export async function locateTensors(folder: string): Promise<Map<string, LocatedTensor>> {
  const files = await shardNames(folder);
  const tensors = new Map<string, LocatedTensor>();
  for (const file of files) {
    const path = join(folder, file);
    for (const [name, entry] of (await readSafetensorsHeader(path)).tensors) {
      tensors.set(name, { ...entry, path });
    }
  }
  return tensors;
}

async function shardNames(folder: string): Promise<string[]> {
  const path = join(folder, 'model.safetensors.index.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return ['model.safetensors'];
  try {
    const { weight_map: map } = JSON.parse(text) as { weight_map: Record<string, string> };
    return [...new Set(Object.values(map))].sort();
  } catch (error) {
    throw new HaetaeError('MODEL_INVALID', `${path} is no index of shards: ${messageOf(error)}.`, { path });
  }
}
