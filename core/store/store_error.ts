/** What an engine or its driver throws, as errors of the program that hold nothing of the rows or values. */
import { parseError } from '@clickhouse/client';
import { AppError, messageOf } from '../errors.ts';

/** Engine errors whose text names columns, tables, types and sizes only. Others may quote values, and lose their text. */
const PLAIN_CODES = new Set(['16', '42', '43', '46', '47', '48', '53', '60', '81', '164', '241', '243', '252', '497']);
const SYNTAX_ERROR = '62';
/** TIMEOUT_EXCEEDED, and TOO_SLOW for a query that is foreseen to take too long. */
const TIME_CODES = new Set(['159', '160']);

/** The engine's number of an error with its text, or undefined for an error that is not the engine's. */
function engineError(error: unknown): { code: string; text: string } | undefined {
  const { code, type } = error as { code?: unknown; type?: unknown };
  if (typeof code === 'string' && typeof type === 'string') return { code, text: messageOf(error) };
  const parsed = parseError(messageOf(error)) as Error & { code?: string };
  return parsed.code === undefined ? undefined : { code: parsed.code, text: parsed.message };
}

/**
 * An error of the engine or the driver as `query_too_slow` or `store_failed`. The cause is left out, and so is the
 * engine's name of the error, which is parsed from a text that may quote a value before it.
 */
export function storeError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const engine = engineError(error);
  if (engine === undefined) return new AppError('store_failed', `the store failed: ${driverText(error)}`);
  if (TIME_CODES.has(engine.code)) return new AppError('query_too_slow', 'the query took longer than it may');
  return new AppError('store_failed', `the store refused: error ${engine.code}${engineText(engine.code, engine.text)}`);
}

function engineText(code: string, text: string): string {
  if (code === SYNTAX_ERROR) return `: ${/failed at position \d+/.exec(text)?.[0] ?? 'no position'}`;
  if (!PLAIN_CODES.has(code)) return '';
  return `: ${(text.split(/:? in scope |: while |\n/i)[0] ?? '').slice(0, 300)}`;
}

/** Errors of sockets and files have a code and say what happened; of anything else, such as a proxy's page, the start. */
function driverText(error: unknown): string {
  return (messageOf(error).split('\n')[0] ?? '').slice(0, 200);
}
