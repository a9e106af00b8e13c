/** Shares of right answers by group, e.g. by domain. */
import { type Rate, rateOf } from './wilson-interval.js';

export type GroupRate = Rate & { name: string };

/** Sorted by name; items without one ('') are in no group. */
export function groupedRates<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  isCorrect: (item: T) => boolean,
): GroupRate[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    if (name !== '') groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, members]) => ({ name, ...rateOf(members.filter(isCorrect).length, members.length) }));
}
