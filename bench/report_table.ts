/** Tables of a report, as plain text and as Markdown. */
import { inert, table } from '../cli/output.ts';

/** Rows under headings; the first column names the row. */
export interface ReportTable {
  heading: string;
  /** What to know before reading it. */
  note?: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** What a report says at one place: a heading with tables under it. */
export interface ReportSection {
  heading: string;
  tables: readonly ReportTable[];
}

/** For a terminal. */
export function plainText(sections: readonly ReportSection[]): string {
  const lines = sections.flatMap(({ heading, tables }) => [
    `== ${inert(heading)} ==`,
    '',
    ...tables.flatMap(({ heading, note, columns, rows }) => [
      inert(heading),
      ...(note === undefined ? [] : [note]),
      rows.length === 0 ? 'none' : table(columns, rows),
      '',
    ]),
  ]);
  return `${lines.join('\n')}\n`;
}

/** A document. Names that come from outside stand in it as text, whatever they hold. */
export function markdown(title: string, preface: string, sections: readonly ReportSection[]): string {
  const parts = sections.flatMap(({ heading, tables }) => [
    `## ${cell(heading)}`,
    ...tables.flatMap(({ heading, note, columns, rows }) => [
      `### ${cell(heading)}`,
      ...(note === undefined ? [] : [note]),
      rows.length === 0 ? 'None.' : rowsOf(columns, rows),
    ]),
  ]);
  return `${[`# ${title}`, preface, ...parts].join('\n\n')}\n`;
}

function rowsOf(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  const rule = `|${columns.map((_, at) => (at === 0 ? '---' : '---:')).join('|')}|`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}

function cell(text: string): string {
  return inert(text).replace(MARKS, (mark) => ENTITIES[mark] ?? `\\${mark}`);
}

/** What Markdown acts on; an underscore within a word is none. */
const MARKS = /[\\`*[\]<>|#&~]|(?<![a-z0-9])_|_(?![a-z0-9])/gi;
const ENTITIES: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;' };
