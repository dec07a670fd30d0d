/** Where a command's words go: data to standard output, everything else to standard error. */
import pc from 'picocolors';
import type { Severity } from '../core/alert.ts';
import { SCHEMA_VERSION } from '../core/event.ts';

/** What JSON lets stand in a text though a terminal acts on it: DEL, C1, direction marks and other format characters. */
const ACTIVE = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One JSON line of data, with the version of its form. */
export function printJson(value: Record<string, unknown>): void {
  const text = JSON.stringify({ schema_version: SCHEMA_VERSION, ...value });
  process.stdout.write(`${text.replace(ACTIVE, escapeUnits)}\n`);
}

function escapeUnits(char: string): string {
  return Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(
    '',
  );
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Words for people about what is going on. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const COLOURS: Record<Severity, (text: string) => string> = {
  info: pc.dim,
  low: pc.cyan,
  medium: pc.yellow,
  high: pc.red,
  critical: (text) => pc.bold(pc.red(text)),
};

export function coloured(severity: string): string {
  return (COLOURS[severity as Severity] ?? ((text: string) => text))(severity.padEnd(8));
}

/** Text from outside with control and format characters made visible, so that it cannot move the cursor. */
export function inert(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}

/** Rows under headings, columns as wide as their widest cell but no wider than `width_max`. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], width_max = 60): string {
  const shown = rows.map((row) => row.map((cell) => shorten(inert(cell), width_max)));
  const widths = headings.map((heading, i) => Math.max(heading.length, ...shown.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [pc.bold(line(headings)), ...shown.map(line)].join('\n');
}

export function shorten(text: string, chars_max: number): string {
  return text.length > chars_max ? `${text.slice(0, chars_max - 1)}…` : text;
}
