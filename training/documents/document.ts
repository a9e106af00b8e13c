/** The contract of a document parser: bytes of one format to blocks and lines, whatever the format. */

export type Block =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'list-item'; text: string; depth: number }
  | { kind: 'table'; rows: string[][] }
  | { kind: 'code'; text: string };

export interface ParsedDocument {
  /** As the document itself says; '' where it does not. */
  title: string;
  /** ISO date from which the text is in force, or ''. */
  effective: string;
  blocks: Block[];
  /**
   * The text as logical lines in reading order: wrapped lines joined, page furniture removed; a table row is
   * one line with its cells separated by ` | `. Statutes are cut from these. Formats whose structure lies in
   * `blocks` alone may leave it empty.
   */
  lines: string[];
  warnings: string[];
}

/** A row of `sources.csv`: what is known about a file from outside it. */
export interface SourceEntry {
  /** Path under data/raw with forward slashes, e.g. `law-pdf/전자서명법.pdf`. */
  path: string;
  title: string;
  publisher: string;
  licence: string;
  /** ISO date, or ''. */
  effective: string;
  url: string;
  domain: string;
}

/**
 * Parses one file. `path` serves messages and formats told apart by name; `signal` gives up early.
 * Rejects with a `HaetaeError` of the DOCUMENT_* group that names the path.
 */
export type DocumentParser = (
  bytes: Uint8Array,
  path: string,
  signal?: AbortSignal,
) => Promise<ParsedDocument>;
