/**
 * Parses PDFs in a child process with a bounded heap, bounded memory and a bounded time per file.
 *
 * A hostile file can spin or swell inside one call into the library, where no check of ours runs; a child can
 * be killed. One child serves many files in turn and is replaced after a kill. JavaScript's heap is bounded by
 * `--max-old-space-size`; decompressed streams live outside that heap, so the parent also watches the child's
 * resident memory where the system tells it (/proc), and kills it when a file adds more than `maxMemoryMb`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { childExecArgv, entryPoint } from '../../shared/entry-point.js';
import { type ErrorCode, HaetaeError, messageOf } from '../../shared/errors.js';
import type { ParsedDocument } from './document.js';
import { defaultPdfLimits, type PdfLimits } from './pdf.js';

export interface IsolationLimits extends PdfLimits {
  /** Heap of the child's JavaScript, MiB. */
  maxHeapMb: number;
  /** Resident memory that a file may take on top of what the child needs by itself, MiB. */
  maxMemoryMb: number;
}

export const defaultIsolationLimits: IsolationLimits = {
  ...defaultPdfLimits,
  maxHeapMb: 1024,
  maxMemoryMb: 1024,
};

export interface PdfRequest {
  path: string;
  bytes: Uint8Array;
  limits: PdfLimits;
}

export type PdfReply =
  | { ready: true }
  | { document: ParsedDocument }
  | { error: { code: ErrorCode; message: string; data: Record<string, unknown> } };

const watchEveryMs = 50;

/** A child that parses PDFs one after the other. Close it when done. */
export class PdfParserProcess {
  readonly #limits: IsolationLimits;
  #child: ChildProcess | undefined;
  /** Resident memory of the idle child, MiB. */
  #ownMb = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(limits: Partial<IsolationLimits> = {}) {
    this.#limits = { ...defaultIsolationLimits, ...limits };
  }

  /**
   * Parses one file; calls wait for each other. Rejects as `parsePdfWithin` does, and with
   * DOCUMENT_TOO_COMPLEX where the child had to be killed or died of lack of memory.
   */
  parse(bytes: Uint8Array, path: string, signal?: AbortSignal): Promise<ParsedDocument> {
    const result = this.#turn.then(() => this.#parse(bytes, path, signal));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Ends the child after the work under way. */
  async close(): Promise<void> {
    await this.#turn;
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  async #start(): Promise<ChildProcess> {
    if (this.#child?.connected) return this.#child;
    const child = fork(entryPoint(import.meta.url, './pdf-child'), {
      execArgv: [...childExecArgv(), `--max-old-space-size=${this.#limits.maxHeapMb}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('error', reject);
      child.once('exit', (code) =>
        reject(new Error(`the PDF parser process exited with ${code} at its start`)),
      );
    });
    child.removeAllListeners();
    this.#ownMb = residentMb(child.pid);
    return child;
  }

  async #parse(bytes: Uint8Array, path: string, signal?: AbortSignal): Promise<ParsedDocument> {
    signal?.throwIfAborted();
    const limits = this.#limits;
    const child = await this.#start();
    return new Promise<ParsedDocument>((resolve, reject) => {
      const finish = (act: () => void) => {
        clearTimeout(timer);
        clearInterval(watch);
        signal?.removeEventListener('abort', abort);
        child.removeAllListeners();
        act();
      };
      const kill = (error: unknown) => {
        this.#child = undefined;
        finish(() => {
          child.once('exit', () => reject(error));
          child.kill('SIGKILL');
        });
      };
      const abort = () => kill(signal?.reason);
      const tooComplex = (reason: string) =>
        new HaetaeError('DOCUMENT_TOO_COMPLEX', `${path}: ${reason}. Split it, or raise the limit.`, {
          path,
        });
      const timer = setTimeout(
        () => kill(tooComplex(`it took more than ${limits.timeoutMs} ms to parse`)),
        limits.timeoutMs,
      );
      const watch = setInterval(() => {
        if (residentMb(child.pid) > this.#ownMb + limits.maxMemoryMb)
          kill(tooComplex(`it needs more than ${limits.maxMemoryMb} MiB of memory`));
      }, watchEveryMs);
      signal?.addEventListener('abort', abort, { once: true });
      child.once('exit', (code, killedBy) => {
        this.#child = undefined;
        finish(() => reject(tooComplex(`the parser ran out of memory or crashed (${killedBy ?? code})`)));
      });
      child.once('error', (error) => kill(error));
      child.once('message', (message) => {
        const reply = message as PdfReply;
        finish(() => {
          if ('document' in reply) resolve(reply.document);
          else if ('error' in reply)
            reject(new HaetaeError(reply.error.code, reply.error.message, reply.error.data));
        });
      });
      const { maxHeapMb: _heap, maxMemoryMb: _memory, ...pdfLimits } = limits;
      child.send({ path, bytes: new Uint8Array(bytes), limits: pdfLimits } satisfies PdfRequest, (error) => {
        if (error) kill(new HaetaeError('INTERNAL', `${path}: ${messageOf(error)}`, { path }));
      });
    });
  }
}

/** Parses one file in a child of its own. */
export async function parsePdfIsolated(
  bytes: Uint8Array,
  path: string,
  limits: Partial<IsolationLimits> = {},
  signal?: AbortSignal,
): Promise<ParsedDocument> {
  const parser = new PdfParserProcess(limits);
  try {
    return await parser.parse(bytes, path, signal);
  } finally {
    await parser.close();
  }
}

const pageBytes = 4096;

/** Resident memory of a process, MiB; 0 where the system does not tell. */
function residentMb(pid: number | undefined): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
    return (pages * pageBytes) / (1024 * 1024);
  } catch {
    return 0;
  }
}
