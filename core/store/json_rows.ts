/** Rows of an answer in the format JSONEachRow. */
import type { Buffer } from 'node:buffer';
import { AppError } from '../errors.ts';

/** The rows as objects. Throws `integer_too_large` for a whole number above 2^53, which has lost digits by then. */
export function parseRows<T>(bytes: Buffer): T[] {
  const { text, rows } = parseLines(bytes);
  if (/\d{16}/.test(text)) refuseLargeIntegers(rows);
  return rows as T[];
}

function parseLines(bytes: Buffer): { text: string; rows: unknown[] } {
  try {
    const text = bytes.toString('utf8').trimEnd();
    // JSONEachRow escapes newlines inside values, so every newline ends a row.
    return { text, rows: JSON.parse(`[${text.replaceAll('\n', ',')}]`) as unknown[] };
  } catch {
    throw new AppError('store_failed', `an answer of ${bytes.length} bytes is not rows as JSON`);
  }
}

function refuseLargeIntegers(value: unknown): void {
  if (typeof value === 'number') {
    if (!Number.isInteger(value) || Number.isSafeInteger(value)) return;
    throw new AppError('integer_too_large', 'the answer has a whole number above 2^53, which would lose digits');
  }
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) refuseLargeIntegers(part);
}
