/** A way to say the same in other words. */
import type { Random } from '../choosing.js';

export interface Rewrite {
  /** Null where the text gives nothing for it. */
  apply(text: string, random: Random): string | null;
  /** How often it is made where it can be, 0..1. */
  chance: number;
  /** It leaves something out: not where that would be what decides. */
  omits?: true;
}

/** A rewrite that replaces what matches; the same text where nothing does. */
export function replacing(
  chance: number,
  pattern: RegExp,
  by: string | ((...groups: string[]) => string),
): Rewrite {
  return {
    chance,
    apply: (text) => {
      const told =
        typeof by === 'string'
          ? text.replace(pattern, by)
          : text.replace(pattern, (...groups) => by(...(groups as string[])));
      return told === text ? null : told;
    },
  };
}
