/** Builds small PDFs by hand, so that a test can say exactly what is wrong with one. */
import { deflateSync } from 'node:zlib';

export interface TinyPage {
  /** Lines of Helvetica text: position in points from the bottom left, size, words. */
  lines?: { x: number; y: number; size?: number; text: string }[];
  /** Raw content stream instead of lines. */
  content?: Buffer;
  /** Filters of the raw stream, e.g. `/FlateDecode` for a deflated one. */
  filter?: string;
  /** Paint one grey image over the page, as a scanner does. */
  image?: boolean;
}

/** A complete PDF 1.4 with the given A4 pages. */
export function tinyPdf(pages: readonly TinyPage[]): Uint8Array {
  const objects: Buffer[] = [];
  const add = (body: string | Buffer) => objects.push(Buffer.from(body));
  const stream = (dictionary: string, data: Buffer) =>
    Buffer.concat([
      Buffer.from(`<< ${dictionary} /Length ${data.length} >>\nstream\n`),
      data,
      Buffer.from('\nendstream'),
    ]);
  const kids = pages.map((_, i) => `${5 + 2 * i} 0 R`).join(' ');
  add('<< /Type /Catalog /Pages 2 0 R >>');
  add(`<< /Type /Pages /Count ${pages.length} /Kids [${kids}] >>`);
  add('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
  add(
    stream(
      '/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8',
      Buffer.from([127]),
    ),
  );
  for (const [i, page] of pages.entries()) {
    add(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${6 + 2 * i} 0 R ` +
        '/Resources << /Font << /F1 3 0 R >> /XObject << /I1 4 0 R >> >> >>',
    );
    const text = (page.lines ?? [])
      .map((l) => `BT /F1 ${l.size ?? 10} Tf ${l.x} ${l.y} Td (${l.text.replace(/[\\()]/g, '\\$&')}) Tj ET`)
      .join('\n');
    const image = page.image ? '\nq 595 0 0 842 0 0 cm /I1 Do Q' : '';
    add(
      page.content
        ? stream(page.filter ? `/Filter ${page.filter}` : '', page.content)
        : stream('/Filter /FlateDecode', deflateSync(text + image)),
    );
  }
  const parts: Buffer[] = [Buffer.from('%PDF-1.4\n%\u00e2\u00e3\n', 'latin1')];
  let at = parts[0]!.length;
  const offsets: number[] = [];
  for (const [i, body] of objects.entries()) {
    const object = Buffer.concat([Buffer.from(`${i + 1} 0 obj\n`), body, Buffer.from('\nendobj\n')]);
    offsets.push(at);
    at += object.length;
    parts.push(object);
  }
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  parts.push(
    Buffer.from(
      `xref\n0 ${size}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${at}\n%%EOF\n`,
    ),
  );
  return new Uint8Array(Buffer.concat(parts));
}
