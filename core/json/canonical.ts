/**
 * The one byte sequence of a JSON value: JSON Canonicalization Scheme, RFC 8785. Everything that the log hashes or
 * signs goes through here.
 */
import { AppError } from '../errors.ts';
import { JSON_LIMITS, type JsonLimits } from './strict.ts';
import { isWellFormed, quoteShort } from './text.ts';

/** The keys of an object in the order they came, in canonical order, and each as `"key":`. */
type Shape = { keys: string[]; sorted: string[]; fragments: string[] };

/** Shapes of objects seen lately, one per slot; bounded, since hostile keys come here as well. */
const SHAPE_SLOTS = 256;
const SHAPE_KEYS_MAX = 64;
const SHAPE_CHARS_MAX = 2_048;
const shapes: (Shape | undefined)[] = new Array<Shape | undefined>(SHAPE_SLOTS).fill(undefined);

/**
 * The canonical text (RFC 8785) of a JSON value: strings, finite numbers, booleans, null, arrays and plain objects
 * (prototype Object.prototype or null) of these. Members are sorted by UTF-16 code units; a member whose value is
 * undefined is left out; -0 is written as 0. `toJSON` is not called.
 *
 * Throws AppError: `json_unsupported_value` (undefined elsewhere, also as a hole of an array; functions, symbols,
 * bigints, NaN, infinities, other objects such as Date), `json_lone_surrogate` (in a string or key),
 * `json_too_deep` (more than `depth_max` containers open, thus also any cycle).
 */
export function canonicalJson(value: unknown, limits: JsonLimits = JSON_LIMITS): string {
  return serialize(value, limits.depth_max);
}

function serialize(value: unknown, depth_left: number): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      if (!Number.isFinite(value)) throw unsupported(String(value));
      return String(value); // ECMAScript's Number::toString is the form that RFC 8785 section 3.2.2.3 prescribes
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      break;
    default:
      throw unsupported(typeof value);
  }
  if (value === null) return 'null';
  if (depth_left <= 0) throw new AppError('json_too_deep', 'the value is cyclic or too deep to be written as JSON');
  return Array.isArray(value) ? serializeArray(value, depth_left - 1) : serializeObject(value, depth_left - 1);
}

function serializeArray(items: readonly unknown[], depth_left: number): string {
  if (items.length === 0) return '[]';
  let out = `[${serialize(items[0], depth_left)}`;
  for (let index = 1; index < items.length; index++) out += `,${serialize(items[index], depth_left)}`;
  return `${out}]`;
}

function serializeObject(value: object, depth_left: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw unsupported('an object of a class');
  const keys = Object.keys(value);
  if (keys.length === 0) return '{}';
  const { sorted, fragments } = shapeOf(keys);
  const members = value as Record<string, unknown>; // every key read below is an own one, `__proto__` too
  let out = '';
  for (let index = 0; index < sorted.length; index++) {
    const member = members[sorted[index] ?? ''];
    if (member === undefined) continue;
    out += (out === '' ? '{' : ',') + fragments[index] + serialize(member, depth_left);
  }
  return out === '' ? '{}' : `${out}}`;
}

/** Sorting and quoting keys is most of the work, and events repeat few shapes. */
function shapeOf(keys: string[]): Shape {
  const first = keys[0] ?? '';
  const last = keys[keys.length - 1] ?? '';
  const slot = (keys.length * 31 + first.length * 7 + last.length * 3 + last.charCodeAt(0)) & (SHAPE_SLOTS - 1);
  const known = shapes[slot];
  if (known !== undefined && isSame(known.keys, keys)) return known;
  const sorted = keys.slice().sort(); // the default order is by UTF-16 code units
  const shape = { keys, sorted, fragments: sorted.map((key) => `${quote(key)}:`) };
  if (isWorthKeeping(keys)) shapes[slot] = shape;
  return shape;
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

function isWorthKeeping(keys: readonly string[]): boolean {
  if (keys.length > SHAPE_KEYS_MAX) return false;
  let chars = 0;
  for (const key of keys) chars += key.length;
  return chars <= SHAPE_CHARS_MAX;
}

/** JSON.stringify escapes strings as RFC 8785 section 3.2.2.2 prescribes, once lone surrogates are ruled out. */
function quote(text: string): string {
  if (!isWellFormed(text)) throw new AppError('json_lone_surrogate', `${quoteShort(text)} holds a lone surrogate`);
  return JSON.stringify(text);
}

function unsupported(what: string): AppError {
  return new AppError('json_unsupported_value', `JSON cannot hold this value: ${what}`);
}
