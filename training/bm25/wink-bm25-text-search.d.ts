/** The part of wink's interface that we use; the package ships no types. */
declare module 'wink-bm25-text-search' {
  interface WinkDocument {
    freq: Record<number, number>;
    fieldValues: Record<string, unknown>;
    length: number;
  }
  interface WinkBm25 {
    defineConfig(config: {
      fldWeights: Record<string, number>;
      bm25Params?: { k1?: number; b?: number; k?: number };
    }): boolean;
    definePrepTasks(tasks: ((input: never) => unknown)[], field?: string): number;
    addDoc(doc: Record<string, unknown>, id: string | number): number;
    consolidate(precision?: number): boolean;
    search(text: string, limit?: number): [id: string, score: number][];
    getDocs(): Record<string, WinkDocument>;
    getTokens(): Record<string, number>;
    getIDF(): number[];
  }
  export default function bm25(): WinkBm25;
}
