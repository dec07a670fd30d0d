/**
 * Values of a statement's placeholders `{name:Type}`, in the two ways in which they reach an engine.
 *
 * The embedded engine holds bound parameters as state of the whole process: the driver lets only one statement with
 * parameters run at a time, so one long read would hold up every other read and every insert. Its values are therefore
 * written into the SQL, as hexadecimal digits: no value can hold anything but 0-9 and a-f there.
 */
import { Buffer } from 'node:buffer';
import { AppError } from '../errors.ts';

export type QueryParam = string | number | boolean | readonly string[] | readonly number[];
export type QueryParams = Record<string, QueryParam>;

const PLACEHOLDER = /\{([A-Za-z_]\w*):([A-Za-z]\w*(?:\([^{}]*\))?)\}/g;

/** The SQL with each placeholder replaced by its value. Throws `store_failed` when one has none. */
export function inlineParams(sql: string, params: QueryParams): string {
  return sql.replace(PLACEHOLDER, (_, name: string, type: string) => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    if (value === undefined) throw new AppError('store_failed', `the statement has no value for its parameter ${name}`);
    const hex = Buffer.from(typeof value === 'string' ? value : valueText(value), 'utf8').toString('hex');
    // A literal of hexadecimal digits is a String as it stands, which is less to plan than a cast.
    return type === 'String' ? `x'${hex}'` : `CAST(x'${hex}', '${type.replaceAll("'", "''")}')`;
  });
}

/** A value as the engine reads it from text: strings inside of arrays in quotes, whole numbers with all their digits. */
function valueText(value: QueryParam): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return `'${value.replace(/['\\]/g, '\\$&')}'`;
  return `[${value.map(valueText).join(',')}]`;
}

function numberText(value: number): string {
  if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return String(value);
  throw new AppError('store_failed', 'a number bound to a statement is not finite, or above 2^53');
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\0': '\\0' };

/** A value as a `param_name` field of a form, where a server reads strings as tab-separated text. */
export function formText(value: QueryParam): string {
  if (typeof value === 'string') return value.replace(/[\\\t\n\r\0]/g, (char) => ESCAPES[char] ?? char);
  return valueText(value);
}
