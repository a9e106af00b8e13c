/** A question with a known answer, as it comes over the wire. */
export interface MeasuredQuestion {
  /** Unique in its set. */
  id: string;
  /** Stem, and choices with their numbers, a line each. */
  text: string;
  /** Number of the right choice; else the answer. */
  answer: string;
  isOpen: boolean;
  negated: boolean;
  domain: string;
  /** How it was composed; '' of a file. */
  form: string;
  /** What an open answer has to hold; null where nobody says. */
  keywords: readonly string[] | null;
}
