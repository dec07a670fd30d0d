/**
 * The slow walk through a JSON text that is already known to be refused, to tell its sender where and why.
 */
import { isBlank } from './bytes.ts';
import { isWellFormed } from './text.ts';

/** Characters of a string that stand for others or are not allowed in it. */
const NOT_PLAIN = /[^\u0020-\u005b\u005d-\u007e]/;

/** What to look for. */
export type Fault = 'malformed' | 'duplicate_key' | 'lone_surrogate';
/** Byte offset of the token at fault, and its text when it is a string that can be read. */
type Place = { offset: number; text: string };

type Token = { kind: string; start: number; end: number };
type Expected = 'value' | 'value_or_end' | 'key' | 'key_or_end' | 'colon' | 'after';

/** The tokens that may come in each state; what closes a container is also decided by the container. */
const ALLOWED: Record<Expected, readonly string[]> = {
  value: ['string', 'scalar', '{', '['],
  value_or_end: ['string', 'scalar', '{', '[', ']'],
  key: ['string'],
  key_or_end: ['string', '}'],
  colon: [':'],
  after: [',', '}', ']'],
};

/**
 * The first place in the text that has the fault, or undefined; the other two faults look at no text that is
 * malformed before. `raw` is the UTF-8 text read as latin1, so that offsets are bytes. Does not recurse; linear in the
 * length of the text. Never throws.
 */
export function locate(raw: string, fault: Fault): Place | undefined {
  const stack: (Set<string> | null)[] = []; // the keys of each open object, null for an array
  let expected: Expected = 'value';
  let token = nextToken(raw, 0);
  for (; token.kind !== 'end'; token = nextToken(raw, token.end)) {
    const keys = stack.at(-1);
    if (!fits(token.kind, expected, keys)) break;
    if (token.kind === 'string') {
      const text = readString(raw, token);
      if (text === undefined) break;
      const is_key: boolean = expected === 'key' || expected === 'key_or_end';
      const twice = is_key && fault === 'duplicate_key' && keys?.has(text) === true;
      if (twice || (fault === 'lone_surrogate' && !isWellFormed(text))) return { offset: token.start, text };
      if (is_key && fault === 'duplicate_key') keys?.add(text);
      expected = is_key ? 'colon' : 'after';
    } else {
      if (token.kind === 'scalar' && !isScalar(raw.slice(token.start, token.end))) break;
      expected = advance(token.kind, stack);
    }
  }
  const complete = token.kind === 'end' && expected === 'after' && stack.length === 0;
  return complete || fault !== 'malformed' ? undefined : { offset: token.start, text: '' };
}

function fits(kind: string, expected: Expected, keys: Set<string> | null | undefined): boolean {
  if (!ALLOWED[expected].includes(kind)) return false;
  if (kind === '}') return keys instanceof Set;
  if (kind === ']') return keys === null;
  return kind !== ',' || keys !== undefined;
}

/** Opens or closes a container where the token does; what may come next. */
function advance(kind: string, stack: (Set<string> | null)[]): Expected {
  if (kind === '{') {
    stack.push(new Set());
    return 'key_or_end';
  }
  if (kind === '[') {
    stack.push(null);
    return 'value_or_end';
  }
  if (kind === '}' || kind === ']') stack.pop();
  if (kind === ',') return stack.at(-1) === null ? 'value' : 'key';
  return kind === ':' ? 'value' : 'after';
}

function nextToken(raw: string, from: number): Token {
  let start = from;
  while (isBlank(raw.charCodeAt(start))) start++;
  const first = raw[start];
  if (first === undefined) return { kind: 'end', start, end: start };
  if ('{}[],:'.includes(first)) return { kind: first, start, end: start + 1 };
  if (first === '"') return { kind: 'string', start, end: endOfString(raw, start) };
  let end = start + 1;
  while (end < raw.length && !'{}[],:" \n\r\t'.includes(raw[end] ?? '')) end++;
  return { kind: 'scalar', start, end };
}

/** The offset after the closing quote, or after the text when there is none. */
function endOfString(raw: string, open: number): number {
  let at = open + 1;
  while (at < raw.length && raw[at] !== '"') at += raw[at] === '\\' ? 2 : 1;
  return Math.min(at + 1, raw.length);
}

/** The text of a string token, undefined when it is malformed. */
function readString(raw: string, token: Token): string | undefined {
  const quoted = raw.slice(token.start, token.end);
  if (quoted.length > 1 && quoted.endsWith('"') && !NOT_PLAIN.test(quoted)) return quoted.slice(1, -1);
  try {
    const parsed: unknown = JSON.parse(Buffer.from(quoted, 'latin1').toString('utf8'));
    return typeof parsed === 'string' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the text is a JSON number, true, false or null. */
function isScalar(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
