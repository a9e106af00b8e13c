/**
 * Graphs of decoders that others exported (Optimum, transformers.js), as a model folder holds them:
 *
 *   onnx/model.onnx, onnx/model_fp16.onnx, onnx/model_quantized.onnx, …, or model.onnx at the top
 *
 * and beside each its external data, named after it. Where there are several, the most exact is taken; those whose
 * names say nothing of it (model_O4.onnx, model_qint8_avx512.onnx) come last, by name.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HaetaeError } from '../errors.js';

export interface ExportedGraph {
  path: string;
  /** Its path in the folder, as `onnx/model_q4.onnx`. */
  name: string;
  /** Bytes of the graph and of the files beside it that are named after it. */
  bytes: number;
}

/** Names without `.onnx`, most exact first. */
const exportedNames = [
  'model',
  'model_fp16',
  'model_int8',
  'model_quantized',
  'model_uint8',
  'model_q4',
  'model_q4f16',
  'model_bnb4',
] as const;

/**
 * The graph to use, or null where the folder has none.
 * @param wanted as `onnx/model_q4.onnx` or `model_q4`
 * @throws HaetaeError MODEL_INVALID where the wanted one is not there; it says which are
 */
export async function findExportedGraph(folder: string, wanted?: string): Promise<ExportedGraph | null> {
  const found: string[] = [];
  for (const below of ['onnx', '.']) {
    const names: string[] = await readdir(join(folder, below)).catch(() => []);
    const graphs = names.filter((name) => /^model.*\.onnx$/u.test(name)).sort();
    const known = exportedNames.map((name) => `${name}.onnx`).filter((name) => graphs.includes(name));
    for (const name of new Set([...known, ...graphs])) {
      found.push(below === '.' ? name : `${below}/${name}`);
    }
  }
  const name =
    wanted === undefined ? found[0] : found.find((it) => it === wanted || basename(it, '.onnx') === wanted);
  if (name === undefined) {
    if (wanted === undefined) {
      return null;
    }
    throw new HaetaeError(
      'MODEL_INVALID',
      `${folder} has no exported graph "${wanted}". It has: ${found.join(', ') || 'none'}.`,
      { path: folder, wanted, found },
    );
  }
  const path = join(folder, name);
  const beside = (await readdir(dirname(path))).filter((it) => it.startsWith(basename(name)));
  const sizes = await Promise.all(beside.map(async (it) => (await stat(join(dirname(path), it))).size));
  return { path, name, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}
