import { printableLines } from '../../util/printable.ts';

/** Text that is markup already, and needs no escaping. */
export interface Markup {
  readonly markup: string;
}

type Value = string | number | undefined | Markup | readonly Markup[];

/** A piece of HTML or SVG. Whatever is put into it is escaped, unless it was made by this function; undefined is nothing. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return { markup: parts.map((part, index) => part + textOf(values[index])).join('') };
}

function textOf(value: Value): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escaped(value);
  return 'markup' in value ? value.markup : value.map((one) => one.markup).join('');
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What would not be seen, or would turn the text around, is named; most of it HTML has no way to write. */
const escaped = (text: string): string =>
  printableLines(text).replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
