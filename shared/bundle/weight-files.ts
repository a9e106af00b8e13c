/**
 * The weight files of a model folder, as the program that opens it chooses them:
 * `model.safetensors`, else the shards of `model.safetensors.index.json`, else the graph that
 * `exported-folder.ts` chooses.
 */
import { findExportedGraph } from '../lm/exported-folder.js';
import { type Check, listed } from './check.js';
import type { FolderFiles } from './folder-files.js';

const singleWeights = 'model.safetensors';
const weightIndex = 'model.safetensors.index.json';
const rule = { subject: 'weights', required: '*.safetensors, or onnx/model*.onnx' };

export interface WeightFiles {
  /** Those that are there, index included. */
  paths: string[];
  checks: Check[];
}

export async function findWeightFiles(files: FolderFiles): Promise<WeightFiles> {
  const wanted = await wantedPaths(files);
  if (wanted === undefined) {
    const remedy = `Copy ${weightIndex} again from the source of the model.`;
    const found = `${weightIndex}, which is no index of weights`;
    return { paths: [], checks: [{ ...rule, found, verdict: 'broken', remedy }] };
  }
  if (wanted.length === 0) return { paths: [], checks: [noWeights(files.names)] };
  const paths = wanted.filter((path) => files.has(path));
  const absent = wanted.filter((path) => !files.has(path));
  const pointers: string[] = [];
  for (const path of paths) if (await files.isLfsPointer(path)) pointers.push(path);
  const checks: Check[] = [];
  if (absent.length > 0) {
    const found = `${listed(absent)} absent`;
    checks.push({ ...rule, found, verdict: 'missing', remedy: 'Copy what is absent from the source.' });
  }
  if (pointers.length > 0) checks.push({ ...rule, ...lfsPointersFound(pointers) });
  if (checks.length === 0) {
    const bytes = paths.reduce((sum, path) => sum + files.size(path), 0);
    const found = `${listed(paths)}, ${(bytes / 1e6).toFixed(bytes < 1e7 ? 3 : 0)} MB`;
    checks.push({ ...rule, found, verdict: 'ok' });
  }
  return { paths, checks };
}

/** The words for files that Git LFS has not fetched. */
export function lfsPointersFound(paths: readonly string[]): Pick<Check, 'found' | 'verdict' | 'remedy'> {
  return {
    found: `${listed(paths)} as Git LFS left ${paths.length === 1 ? 'it' : 'them'}: without content`,
    verdict: 'missing',
    remedy: 'Fetch the content with: git lfs pull',
  };
}

/** By name, whether or not they are there; undefined where the index cannot be understood. */
async function wantedPaths(files: FolderFiles): Promise<string[] | undefined> {
  if (files.has(singleWeights)) return [singleWeights];
  if (files.has(weightIndex)) {
    const map = (await files.json(weightIndex))?.weight_map;
    if (map === null || typeof map !== 'object' || Array.isArray(map)) return undefined;
    const shards = [...new Set<unknown>(Object.values(map))];
    return shards.length > 0 && shards.every(isShardName) ? [weightIndex, ...shards] : undefined;
  }
  const graph = await findExportedGraph(files.folder);
  if (graph === null) return [];
  return files.names.filter((name) => name === graph.name || isExternalDataOf(graph.name, name));
}

function isShardName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.-]+\.safetensors$/u.test(value);
}

/** `model.onnx_data`, `model.onnx_data_1`, `model.onnx.data` of `model.onnx`. */
function isExternalDataOf(graph: string, name: string): boolean {
  return name.startsWith(graph) && /^[._]data(?:_\d+)?$/u.test(name.slice(graph.length));
}

function noWeights(names: readonly string[]): Check {
  const others = names.filter((name) => /\.(?:gguf|bin|pth?|h5|msgpack|onnx|safetensors)$/u.test(name));
  const remedy = others.some((name) => name.endsWith('.safetensors'))
    ? `Name the weights ${singleWeights}, or copy ${weightIndex} too.`
    : 'Copy the safetensors of the model.';
  const found = others.length === 0 ? 'nothing' : `only ${listed(others)}`;
  return { ...rule, found, verdict: 'missing', remedy };
}
