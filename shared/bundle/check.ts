/** One line of what was examined before something is done: all lines are gathered before the first is a refusal. */
export interface Check {
  /** What was examined, e.g. `licence`. */
  subject: string;
  required: string;
  found: string;
  /** `missing` and `broken` stand in the way; `note` is for a person to judge. */
  verdict: 'ok' | 'missing' | 'broken' | 'note';
  /** What to do where it stands in the way. */
  remedy?: string;
}

export function standsInTheWay({ verdict }: Check): boolean {
  return verdict === 'missing' || verdict === 'broken';
}

/** Names in a sentence: all of a few, the first of many. */
export function listed(names: readonly string[]): string {
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}
