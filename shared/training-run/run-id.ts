/** Ids of runs: when the run began, UTC, and four letters that keep two of one second apart. Their order is that of time. */
const letters = '0123456789abcdefghijklmnopqrstuvwxyz';

/** `20250731T093000Z-k3f9`. @param random in [0, 1) */
export function newRunId(now: Date, random: () => number = Math.random): string {
  const time = now.toISOString().replace(/[-:]|\.\d+/gu, '');
  const tail = Array.from({ length: 4 }, () => letters[Math.floor(random() * letters.length)]);
  return `${time}-${tail.join('')}`;
}

export function isRunId(text: string): boolean {
  return /^\d{8}T\d{6}Z-[0-9a-z]{4}$/u.test(text);
}
