/**
 * The binary form of a WebAssembly module: functions over one memory that is given to it
 * (WebAssembly Core Specification 2.0, §5.5; the memory may be shared with other threads, as the threads proposal says).
 *
 * A module is the magic number `\0asm`, the version 1, and sections in the order of their numbers. A section is its
 * number, its length in bytes, and a list. A function stands in two of them: section 3 names its type by index into
 * section 1, section 10 holds its code.
 *
 *     1 types       0x60, list of parameters, list of results
 *     2 imports     module, name, kind (2 = memory), limits (1 = with a maximum, 3 = and shared), fewest and most pages
 *     3 functions   index of the type
 *     7 exports     name, kind (0 = function), index of the function
 *    10 code        length, list of local variables (how many, of what type), instructions, 0x0b
 */
import { type Bytes, list, sized, text, unsigned } from './binary.js';
import type { FunctionDefinition } from './define-function.js';
import { valueTypeCode } from './instructions.js';

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const SECTION = { types: 1, imports: 2, functions: 3, exports: 7, code: 10 };
const FUNCTION_TYPE = 0x60;
const MEMORY_KIND = 0x02;
const FUNCTION_KIND = 0x00;
const WITH_MAXIMUM = 0x01;
const SHARED = 0x02;
const END = 0x0b;

/** The bytes of a page: memory is given in whole ones. */
export const PAGE_BYTES = 65_536;
/** The most pages that 32-bit addresses reach: 4 GiB. */
export const MOST_PAGES = 65_536;
/** Under which names the module asks for its memory, of any size from one page to the most. */
export const MEMORY_IMPORT = { module: 'environment', name: 'memory' } as const;

/** @param memoryKind whether the memory is shared, which a module has to say */
export function encodeModule(
  functions: Readonly<Record<string, FunctionDefinition>>,
  memoryKind: 'own' | 'shared' = 'own',
): Uint8Array<ArrayBuffer> {
  const names = Object.keys(functions);
  const definitions = Object.values(functions);
  const section = (number: number, items: readonly Bytes[]): Bytes => [number, ...sized(list(items))];
  const flags = WITH_MAXIMUM | (memoryKind === 'shared' ? SHARED : 0);
  const limits = [flags, ...unsigned(1), ...unsigned(MOST_PAGES)];
  const memory = [...text(MEMORY_IMPORT.module), ...text(MEMORY_IMPORT.name), MEMORY_KIND, ...limits];
  // Function i is of type i; two of one type are written twice, which costs a few bytes.
  const typeIndices = definitions.map((_, index) => unsigned(index));
  const exported = names.map((name, index) => [...text(name), FUNCTION_KIND, ...unsigned(index)]);
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(SECTION.types, definitions.map(functionType)),
    ...section(SECTION.imports, [memory]),
    ...section(SECTION.functions, typeIndices),
    ...section(SECTION.exports, exported),
    ...section(SECTION.code, definitions.map(functionCode)),
  ]);
}

function functionType({ parameters, result }: FunctionDefinition): Bytes {
  const types = Object.values(parameters).map((type) => [valueTypeCode[type]]);
  const results = result === 'nothing' ? [] : [[valueTypeCode[result]]];
  return [FUNCTION_TYPE, ...list(types), ...list(results)];
}

function functionCode({ locals, code }: FunctionDefinition): Bytes {
  const declarations = locals.map((type) => [...unsigned(1), valueTypeCode[type]]);
  return sized([...list(declarations), ...code, END]);
}
