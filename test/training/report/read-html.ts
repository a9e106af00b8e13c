/** A page or a piece of one as its parser sees it: its elements, and its texts. */
import { parse, parseFragment, type DefaultTreeAdapterTypes as Tree } from 'parse5';

export interface ReadHtml {
  elements: { name: string; attributes: Record<string, string>; text: string }[];
  text: string;
  /** What a parser had to mend. */
  errors: string[];
}

export function readHtml(html: string): ReadHtml {
  const errors: string[] = [];
  const options = { onParseError: ({ code }: { code: string }) => errors.push(code) };
  const root = html.startsWith('<!doctype') ? parse(html, options) : parseFragment(html, options);
  const elements: ReadHtml['elements'] = [];
  const walk = (node: Tree.Node): string => {
    if ('value' in node) return node.value;
    const inner = 'childNodes' in node ? node.childNodes : [];
    if (!('tagName' in node)) return inner.map(walk).join(' ');
    const element = {
      name: node.tagName,
      attributes: Object.fromEntries(node.attrs.map(({ name, value }) => [name, value])),
      text: '',
    };
    elements.push(element);
    element.text = inner.map(walk).join('');
    return element.text;
  };
  return { text: walk(root), elements, errors };
}

/** Elements of a name, or of a class: `rect`, `.whisker`. */
export function select({ elements }: ReadHtml, selector: string): ReadHtml['elements'] {
  if (!selector.startsWith('.')) return elements.filter(({ name }) => name === selector);
  return elements.filter(({ attributes }) => attributes.class?.split(' ').includes(selector.slice(1)));
}

/** `66.20%` → 66.2 */
export function percent(text: string | undefined): number {
  return Number(/^(-?[\d.]+)%$/u.exec(text ?? '')?.[1] ?? Number.NaN);
}
