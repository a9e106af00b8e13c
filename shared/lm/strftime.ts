/**
 * Dates as Python's `strftime` writes them in the C locale, for templates that name the day. Local time.
 * A directive that is not known stays as it is.
 */
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

export function strftime(date: Date, format: string): string {
  const day = days[date.getDay()] as string;
  const month = months[date.getMonth()] as string;
  const hour12 = date.getHours() % 12 || 12;
  const dayOfYear =
    (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 1)) /
      86_400_000 +
    1;
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
  const directives: Record<string, string> = {
    Y: String(date.getFullYear()),
    y: pad(date.getFullYear() % 100),
    m: pad(date.getMonth() + 1),
    d: pad(date.getDate()),
    e: String(date.getDate()).padStart(2, ' '),
    B: month,
    b: month.slice(0, 3),
    A: day,
    a: day.slice(0, 3),
    H: pad(date.getHours()),
    I: pad(hour12),
    M: pad(date.getMinutes()),
    S: pad(date.getSeconds()),
    j: pad(dayOfYear, 3),
    p: date.getHours() < 12 ? 'AM' : 'PM',
    '%': '%',
  };
  // glibc: `%-d` leaves the padding out.
  return format.replace(/%(-?)([A-Za-z%])/g, (whole, bare: string, letter: string) => {
    const value = directives[letter];
    if (value === undefined) return whole;
    return bare ? value.replace(/^[0 ]+(?=.)/, '') : value;
  });
}
