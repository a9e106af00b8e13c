/**
 * The tensors of a model folder: `model.safetensors`, or the shards named in `model.safetensors.index.json`
 * (`{ weight_map: { tensor: file } }`). Headers are read and checked; weights stay on disk until they are asked for.
 *
 * Files are known by their real paths: a hub cache holds links to `../../blobs/<hash>`, which ONNX Runtime refuses
 * as external data. `dataFolder` is the folder that holds all of them, `location` a tensor's file below it.
 */
import { type FileHandle, open, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { HaetaeError, messageOf } from '../errors.js';
import { fromBfloat16, fromFloat16 } from '../onnx/half-float.js';
import { readSafetensorsHeader, type TensorEntry } from '../onnx/safetensors.js';
import { elementCount, type TensorType, tensorTypes } from '../onnx/tensor-type.js';

export interface CheckpointTensor extends TensorEntry {
  name: string;
  /** Real path of its file. */
  path: string;
  /** The same below `dataFolder`, with `/`. */
  location: string;
}

/** Types that weights may be stored in. */
export const floatTypes: readonly TensorType[] = ['float32', 'float16', 'bfloat16'];

const single = 'model.safetensors';
const index = 'model.safetensors.index.json';

export class Checkpoint {
  readonly folder: string;
  /** Real folder that all files lie in or below. */
  readonly dataFolder: string;
  /** Bytes of the weight files. */
  readonly bytes: number;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;

  private constructor(
    folder: string,
    dataFolder: string,
    bytes: number,
    tensors: ReadonlyMap<string, CheckpointTensor>,
  ) {
    this.folder = folder;
    this.dataFolder = dataFolder;
    this.bytes = bytes;
    this.tensors = tensors;
  }

  /** Whether the folder has safetensors files to open. */
  static async isIn(folder: string): Promise<boolean> {
    return (await isFile(join(folder, single))) || (await isFile(join(folder, index)));
  }

  /** @throws HaetaeError MODEL_INVALID naming the file or tensor that is missing, damaged or there twice. */
  static async open(folder: string): Promise<Checkpoint> {
    const weightMap = (await isFile(join(folder, single))) ? null : await readIndex(folder);
    const names = weightMap ? [...new Set(weightMap.values())] : [single];
    const files = await Promise.all(
      names.map(async (name) => {
        const path = await realpath(join(folder, name)).catch((error: unknown) => {
          throw invalid(folder, `${name} is missing (${messageOf(error)})`, { file: name });
        });
        return { name, path, bytes: (await stat(path)).size, header: await readSafetensorsHeader(path) };
      }),
    );
    const dataFolder = commonFolder(files.map(({ path }) => dirname(path)));
    const tensors = new Map<string, CheckpointTensor>();
    for (const { name: file, path, header } of files) {
      const location = relative(dataFolder, path).split(sep).join('/');
      for (const [name, entry] of header.tensors) {
        if (tensors.has(name)) {
          throw invalid(folder, `tensor "${name}" is in two files, ${file} being one of them`, {
            tensor: name,
          });
        }
        tensors.set(name, { ...entry, name, path, location });
      }
    }
    for (const [name, file] of weightMap ?? []) {
      if (!files.some((it) => it.name === file && it.header.tensors.has(name))) {
        throw invalid(folder, `${index} puts tensor "${name}" into ${file}, which has none of that name`, {
          tensor: name,
        });
      }
    }
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return new Checkpoint(folder, dataFolder, bytes, tensors);
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** @throws HaetaeError MODEL_INVALID where it is missing or, with `shape`, has another shape. */
  tensor(name: string, shape?: readonly number[]): CheckpointTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) {
      throw invalid(this.folder, `tensor "${name}" is missing`, { tensor: name });
    }
    if (
      shape &&
      (shape.length !== tensor.shape.length || shape.some((size, i) => size !== tensor.shape[i]))
    ) {
      throw invalid(
        this.folder,
        `tensor "${name}" has the shape [${tensor.shape.join(', ')}], config.json asks for [${shape.join(', ')}]`,
        { tensor: name, shape: tensor.shape },
      );
    }
    return tensor;
  }

  /** As `tensor`, and also MODEL_INVALID where it has none of these types. */
  typedTensor(name: string, types: readonly TensorType[], shape?: readonly number[]): CheckpointTensor {
    const tensor = this.tensor(name, shape);
    if (!types.includes(tensor.type)) {
      const [found, ...expected] = [tensor.type, ...types].map((type) => tensorTypes[type].safetensors);
      const reason = `tensor "${name}" is ${found}, expected ${expected.join(' or ')}`;
      throw invalid(this.folder, reason, { tensor: name });
    }
    return tensor;
  }

  /** A whole tensor as float32, from F32, F16 or BF16. Errors as `readRows`. */
  async read(name: string): Promise<Float32Array> {
    return this.readRows(name, 0, this.tensor(name).shape[0] ?? 1);
  }

  /**
   * `count` rows (the first dimension) from row `from` on, as float32: a large tensor need not be in memory whole.
   * @throws HaetaeError MODEL_INVALID where the tensor is missing, or neither F32, F16 nor BF16
   */
  async readRows(name: string, from: number, count: number): Promise<Float32Array> {
    const tensor = this.typedTensor(name, floatTypes);
    const rows = tensor.shape[0] ?? 1;
    if (
      !(Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count >= 0 && from + count <= rows)
    ) {
      throw new RangeError(`tensor ${name} has ${rows} rows, not ${count} from row ${from} on`);
    }
    const width = elementCount(tensor.shape.slice(1));
    const elementBytes = tensorTypes[tensor.type].bytes;
    const buffer = new ArrayBuffer(count * width * elementBytes);
    const handle = await open(tensor.path, 'r');
    try {
      await readFully(
        handle,
        new Uint8Array(buffer),
        tensor.offset + from * width * elementBytes,
        tensor.path,
      );
    } finally {
      await handle.close();
    }
    if (tensor.type === 'float32') {
      return new Float32Array(buffer);
    }
    return tensor.type === 'float16'
      ? fromFloat16(new Uint16Array(buffer))
      : fromBfloat16(new Uint16Array(buffer));
  }
}

async function readFully(
  handle: FileHandle,
  target: Uint8Array,
  offset: number,
  path: string,
): Promise<void> {
  let done = 0;
  while (done < target.length) {
    const length = Math.min(target.length - done, 2 ** 30);
    const { bytesRead } = await handle.read(target, done, length, offset + done);
    if (bytesRead === 0) {
      throw new HaetaeError('MODEL_INVALID', `${path} ends at byte ${offset + done}. Copy it again.`, {
        path,
      });
    }
    done += bytesRead;
  }
}

async function readIndex(folder: string): Promise<Map<string, string>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(join(folder, index), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw invalid(folder, `it has neither ${single} nor ${index}`, {});
    }
    throw invalid(folder, `${index} is not JSON (${messageOf(error)})`, { file: index });
  }
  const map = (json as { weight_map?: unknown } | null)?.weight_map;
  const entries = typeof map === 'object' && map !== null && !Array.isArray(map) ? Object.entries(map) : [];
  const wrong = entries.find(([, file]) => typeof file !== 'string' || !/^[^/\\]+\.safetensors$/.test(file));
  if (entries.length === 0 || wrong) {
    const found = wrong ? ` ("${wrong[0]}" is in ${JSON.stringify(wrong[1])})` : '';
    throw invalid(folder, `${index} has no weight_map of tensors to .safetensors files${found}`, {
      file: index,
    });
  }
  return new Map(entries as [string, string][]);
}

/** The deepest folder that holds all of these. */
function commonFolder(folders: readonly string[]): string {
  let common = folders[0]!;
  while (
    folders.some((folder) => folder !== common && !folder.startsWith(common === sep ? sep : common + sep))
  ) {
    common = dirname(common);
  }
  return common;
}

/** Follows symbolic links. */
async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (it) => it.isFile(),
    () => false,
  );
}

function invalid(folder: string, reason: string, data: Record<string, unknown>): HaetaeError {
  return new HaetaeError(
    'MODEL_INVALID',
    `The checkpoint ${folder} cannot be used: ${reason}. Copy or download it again.`,
    { path: folder, ...data },
  );
}
