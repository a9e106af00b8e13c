/** The contract of an embedder: text to unit vectors. */
export interface Embedder {
  readonly dimension: number;
  /** sha256 of the files that define the embedding: vectors of different fingerprints do not mix. */
  readonly fingerprint: string;
  /** Embeds n texts into [n · dimension], L2-normalised rows (a text without known tokens: zeros). */
  embed(texts: readonly string[]): Promise<Float32Array>;
  close(): Promise<void>;
}
