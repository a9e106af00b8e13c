/** The contract of an embedder: text to unit vectors. */
/** What a text is to the search; some models want a different prefix for each. */
export type EmbedRole = 'query' | 'passage';

export interface Embedder {
  readonly dimension: number;
  /** sha256 of the files that define the embedding: vectors of different fingerprints do not mix. */
  readonly fingerprint: string;
  /** Embeds n texts into [n · dimension], L2-normalised rows (a text without known tokens: zeros). Role: passage. */
  embed(texts: readonly string[], role?: EmbedRole): Promise<Float32Array>;
  /** Tokens of n texts together, as `embed` reads them (cut at the model's limit). Role: passage. */
  countTokens(texts: readonly string[], role?: EmbedRole): Promise<number>;
  close(): Promise<void>;
}
