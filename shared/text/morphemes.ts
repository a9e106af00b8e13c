/**
 * Korean morphological analysis; the one file through which `garu-ko` (WebAssembly) enters.
 *
 * A word (eojeol: a run of Hangul syllables) is analysed on its own and the result is kept: the corpus has far
 * fewer distinct words than words, garu does about 80 characters per millisecond, and a word must give the same
 * morphemes in a question as in a document. Only Hangul reaches garu, in pieces of at most `MAX_SYLLABLES`. A
 * trap inside WebAssembly costs one word: it is its own morpheme then, and the analyser is built anew.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { GaruWasm, initSync } from 'garu-ko/pkg/garu_wasm.js';

export interface Morpheme {
  text: string;
  /** Sejong tag: NNG, NNP, NNB, VV, JKS, … */
  pos: string;
}

/** Analyses one text; may throw. */
export type Analyze = (text: string) => readonly Morpheme[];
/** Builds an analyser; called again after a throw. */
export type AnalyzerFactory = () => Analyze;

export interface MorphemeAnalyzer {
  /** Morphemes of one Hangul word, in order. The array is shared: do not change it. */
  analyzeWord(word: string): readonly Morpheme[];
  /** Words that the analyser failed on since the start. */
  readonly failures: number;
}

export const MAX_SYLLABLES = 24;
/** Pieces of one word that are analysed; the rest of a text without spaces is left to the bigrams. */
export const MAX_PIECES = 8;
/** Words kept per generation of the cache; about 100 bytes each. */
const MAX_CACHED = 200_000;

/** Loads garu's WebAssembly and model; building an analyser from them is synchronous. */
export async function loadGaru(): Promise<AnalyzerFactory> {
  const root = dirname(createRequire(import.meta.url).resolve('garu-ko/package.json'));
  const [code, model] = await Promise.all([
    readFile(join(root, 'pkg', 'garu_wasm_bg.wasm')),
    readFile(join(root, 'models', 'base.gmdl')),
  ]);
  initSync({ module: code });
  return () => {
    const garu = new GaruWasm(model);
    return (text) => (garu.analyze(text) as { tokens: Morpheme[] }).tokens;
  };
}

/** A caching analyser that survives what `factory` throws. */
export function createMorphemeAnalyzer(factory: AnalyzerFactory): MorphemeAnalyzer {
  let analyze: Analyze | null = factory();
  let failures = 0;
  // two generations: the older one is dropped when the newer is full, words in use move over
  let young = new Map<string, readonly Morpheme[]>();
  let old = new Map<string, readonly Morpheme[]>();

  const safely = (piece: string): readonly Morpheme[] => {
    try {
      analyze ??= factory();
      return analyze(piece).map(({ text, pos }) => ({ text, pos }));
    } catch {
      failures += 1;
      analyze = null;
      return [{ text: piece, pos: 'NNG' }];
    }
  };

  const analyzePiece = (piece: string): readonly Morpheme[] => {
    let found = young.get(piece);
    if (found !== undefined) return found;
    found = old.get(piece) ?? safely(piece);
    if (young.size >= MAX_CACHED) {
      old = young;
      young = new Map();
    }
    young.set(piece, found);
    return found;
  };

  return {
    get failures() {
      return failures;
    },
    analyzeWord(word) {
      if (word.length <= MAX_SYLLABLES) return analyzePiece(word);
      const morphemes: Morpheme[] = [];
      const end = Math.min(word.length, MAX_PIECES * MAX_SYLLABLES);
      for (let i = 0; i < end; i += MAX_SYLLABLES)
        morphemes.push(...analyzePiece(word.slice(i, i + MAX_SYLLABLES)));
      return morphemes;
    },
  };
}
