/** The files of a model folder by name and size, and small ones by content; links are followed. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../errors.js';

/** Metadata that is larger than this is none. */
const maxTextBytes = 4_000_000;
const lfsHead = 'version https://git-lfs';

export class FolderFiles {
  readonly folder: string;
  readonly #sizes: ReadonlyMap<string, number>;

  private constructor(folder: string, sizes: ReadonlyMap<string, number>) {
    this.folder = folder;
    this.#sizes = sizes;
  }

  /** Files of the folder and of its `onnx/`. @throws HaetaeError FILE_NOT_FOUND where there is no such folder. */
  static async of(folder: string): Promise<FolderFiles> {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      const what = error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${messageOf(error)})`;
      throw new HaetaeError(
        'FILE_NOT_FOUND',
        `The model folder ${folder} ${what}. Name a folder with config.json, weights and tokenizer.json.`,
        { path: folder },
        { cause: error },
      );
    });
    const inner = (await readdir(join(folder, 'onnx')).catch(() => [])).map((name) => `onnx/${name}`);
    const sizes = new Map<string, number>();
    for (const name of [...names, ...inner].sort()) {
      const info = await stat(join(folder, name)).catch(() => undefined);
      if (info?.isFile()) sizes.set(name, info.size);
    }
    return new FolderFiles(folder, sizes);
  }

  /** Relative paths with forward slashes, sorted. A link to nothing is not among them. */
  get names(): string[] {
    return [...this.#sizes.keys()];
  }

  has(name: string): boolean {
    return this.#sizes.has(name);
  }

  /** Bytes of a file; 0 where there is none. */
  size(name: string): number {
    return this.#sizes.get(name) ?? 0;
  }

  /** The text of a small file; undefined where it is absent or too large to be metadata. */
  async text(name: string): Promise<string | undefined> {
    if (!this.has(name) || this.size(name) > maxTextBytes) return undefined;
    return readFile(join(this.folder, name), 'utf8');
  }

  /** The object in a small JSON file; undefined where it is absent or holds none. */
  async json(name: string): Promise<Record<string, unknown> | undefined> {
    const text = await this.text(name);
    if (text === undefined) return undefined;
    try {
      const value: unknown = JSON.parse(text);
      const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
      return isObject ? (value as Record<string, unknown>) : undefined;
    } catch {
      return undefined;
    }
  }

  /** What a clone without Git LFS leaves in place of a large file: a few lines of text. */
  async isLfsPointer(name: string): Promise<boolean> {
    if (!this.has(name) || this.size(name) > 1024) return false;
    const file = await open(join(this.folder, name));
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(lfsHead.length), 0, lfsHead.length, 0);
      return buffer.toString('latin1', 0, bytesRead) === lfsHead;
    } finally {
      await file.close();
    }
  }
}
