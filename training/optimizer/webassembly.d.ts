/** The part of the WebAssembly interface that we use: Node has it, its types are in TypeScript's `dom` only. */
declare namespace WebAssembly {
  class Memory {
    /** Pages of 65,536 bytes. Throws RangeError where the machine does not give them. */
    constructor(pages: { initial: number; maximum?: number; shared?: boolean });
    /** A SharedArrayBuffer where it is shared: then it can be handed to other threads. */
    readonly buffer: ArrayBufferLike;
  }
  class Module {
    /** Throws CompileError, with the offset of the byte, where the bytes are no valid module. */
    constructor(bytes: Uint8Array);
    static exports(module: Module): { name: string; kind: string }[];
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  function validate(bytes: Uint8Array): boolean;
}
