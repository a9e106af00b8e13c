/**
 * A file that a run appends to and, resumed, cuts back to where its checkpoint was: metrics and event files.
 *
 * Appends are single writes without fsync, so a crash of the machine may lose the last of them; `sync` is called
 * when a checkpoint is made, which is what later positions refer to.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';

export class AppendFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #bytes: number;

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.path = path;
    this.#handle = handle;
    this.#bytes = bytes;
  }

  /**
   * Opens, or makes, the file and drops what lies past byte `keep`.
   * @throws HaetaeError CONFIG_INVALID where the file is shorter than that
   */
  static async open(path: string, keep: number): Promise<AppendFile> {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, 'a');
    const { size } = await handle.stat();
    if (size < keep) {
      await handle.close();
      throw new HaetaeError(
        'CONFIG_INVALID',
        `${path} has ${size} bytes, the checkpoint was made when it had ${keep}: it was changed since. ` +
          'Put it back, or train into another folder.',
        { path, bytes: size, expected: keep },
      );
    }
    await handle.truncate(keep);
    return new AppendFile(path, handle, keep);
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  async append(content: Uint8Array | string): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    await this.#handle.appendFile(bytes);
    this.#bytes += bytes.byteLength;
  }

  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
