/** Pages of lists: a limit, and an opaque cursor that says where the next page begins. */
import { z } from '@hono/zod-openapi';
import { AppError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

/** A whole number in a path or a query, in decimal digits. */
export const wholeNumber = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^-?\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .openapi({ type: 'integer', minimum: min, maximum: max });

export const Limit = wholeNumber(1, LIMITS.page_rows_max)
  .default(50)
  .openapi({ description: `rows a page, up to ${LIMITS.page_rows_max}` });
export const PageCursor = z.string().max(1_000).optional().openapi({ description: 'next_cursor of the page before' });
export const NextCursor = z.string().nullable().openapi({ description: 'null on the last page' });

/** Greater than every sequence number and time that a store can hold. */
export const PAST_ALL = Number.MAX_SAFE_INTEGER;

export function writeCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place), 'utf8').toString('base64url');
}

/** Reads a cursor of the given shape back. Throws `cursor_invalid`. */
export function readCursor<T extends readonly ('string' | 'number')[]>(
  cursor: string,
  shape: T,
): { [K in keyof T]: T[K] extends 'string' ? string : number } {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const fits =
      Array.isArray(place) &&
      place.length === shape.length &&
      place.every((part, i) =>
        shape[i] === 'number' ? Number.isSafeInteger(part) && part >= 0 : typeof part === 'string',
      );
    if (fits) return place as unknown as { [K in keyof T]: T[K] extends 'string' ? string : number };
  } catch {
    // Not ours; said below.
  }
  throw new AppError('cursor_invalid', 'the cursor is not one that this list has given out');
}

/** Milliseconds of an RFC 3339 time. */
export const TimeParameter = z.iso
  .datetime({ offset: true, error: 'must be an RFC 3339 time with an offset, such as 2026-01-31T00:00:00Z' })
  .optional();
