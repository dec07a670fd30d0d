/**
 * Takes a tool result apart into its strings: the leaves of JSON, the fields of YAML-like text, or the text itself.
 * Each comes unescaped, with the name of its field, so that a value alone in a field differs from one in a sentence.
 */
import { isInstruction } from './sentences.ts';

export interface Segment {
  /** The name of the field, or empty. */
  key: string;
  text: string;
  /** Whether the whole text is a field's value; otherwise it is running text. */
  field: boolean;
}

const SEGMENTS_MAX = 20_000;
const DEPTH_MAX = 64;
const NESTED_JSON_MAX = 3;

/** The strings of a text. Costs time linear in the text. */
export function segmentsOf(text: string): Segment[] {
  const segments: Segment[] = [];
  addText(segments, text, '', NESTED_JSON_MAX);
  return segments;
}

function addText(segments: Segment[], text: string, key: string, nested: number): void {
  const json = nested > 0 ? parseJson(text) : undefined;
  if (json !== undefined) addJson(segments, json, key, nested - 1);
  else if (FIRST_FIELD.test(text)) addFields(segments, text);
  else segments.push({ key, text: unescapeJson(text), field: key !== '' });
}

/** The value of a text that is a JSON object or array. */
export function parseJson(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text) || !/[\]}]\s*$/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function addJson(segments: Segment[], root: object, root_key: string, nested: number): void {
  const stack: { value: unknown; key: string; depth: number }[] = [{ value: root, key: root_key, depth: 0 }];
  for (let next = stack.pop(); next !== undefined && segments.length < SEGMENTS_MAX; next = stack.pop()) {
    const { value, key, depth } = next;
    if (typeof value === 'string') addLeaf(segments, value, key, nested);
    else if (typeof value === 'number') segments.push({ key, text: String(value), field: true });
    else if (typeof value === 'object' && value !== null && depth < DEPTH_MAX) {
      const entries = Object.entries(value).slice(0, SEGMENTS_MAX);
      const inherited = Array.isArray(value);
      for (const [name, child] of entries.reverse()) {
        // A key may itself be an address, as in a list of who may read a file.
        if (!inherited && /[@.]/.test(name)) stack.push({ value: name, key, depth: DEPTH_MAX });
        stack.push({ value: child, key: inherited ? key : name, depth: depth + 1 });
      }
    }
  }
}

/** A string inside JSON: the `text` of a content block is a document of its own, anything else a field. */
function addLeaf(segments: Segment[], text: string, key: string, nested: number): void {
  if (key === 'text' || /^\s*[[{]/.test(text)) addText(segments, text, key === 'text' ? '' : key, nested);
  else segments.push({ key, text, field: true });
}

/** JSON strings inside text that is not JSON as a whole, such as one that was cut. */
function unescapeJson(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:n|r|t|"|'|\/)/g, (found) => (/[nr]/.test(found) ? '\n' : found.slice(1).replace('t', ' ')));
}

const FIRST_FIELD =
  /^\s*(?:-\s+)*(?:"[^"\n]{1,64}"|[A-Za-z_][\w.@/-]{0,63}(?: [\w.@/-]{1,32}){0,2}):(?:\s|$)|^\s*-\s+\S+@/;
const FIELD = /^[ \t]*(?:-[ \t]+)*(?:(["']?)([A-Za-z_0-9][^:"'\n]{0,63})\1:(?:[ \t]+|$)|-[ \t]+)/;
const KEY_WORDS_MAX = 3;
const BACKSLASH = 0x5c;
const LINE_BREAK = 0x0a;

/** Reads lines of `key: value` and `- value`, quoted and folded values included, the way YAML writes them. */
function addFields(segments: Segment[], text: string): void {
  const lines = text.split('\n');
  let key = '';
  for (let at = 0; at < lines.length && segments.length < SEGMENTS_MAX; ) {
    const line = lines[at] ?? '';
    const match = FIELD.exec(line);
    const name = match?.[2];
    if (match === null || (name !== undefined && !isFieldName(name))) {
      at = addProse(segments, lines, at);
      continue;
    }
    key = name ?? key;
    if (name?.includes('@') === true) segments.push({ key: '', text: name, field: true });
    const first = line.slice(match[0].length);
    const { value, next } = readScalar(lines, at, first, indentOf(line));
    if (value !== '') segments.push({ key, text: value, field: true });
    at = next;
  }
}

/** At most a few words that are no instruction themselves: "Forward it to: …" is a sentence. */
function isFieldName(name: string): boolean {
  if (!name.includes(' ')) return true;
  if (name.split(' ').length > KEY_WORDS_MAX) return false;
  return !(/\b(?:it|them|this|that|to|the|all|at|with|everything)\b/i.test(name) && isInstruction(name));
}

/** Lines up to the next one that looks like a field. */
function addProse(segments: Segment[], lines: readonly string[], from: number): number {
  let at = from + 1;
  while (at < lines.length && !FIELD.test(lines[at] ?? '')) at++;
  const text = lines.slice(from, at).join('\n');
  if (text.trim() !== '') segments.push({ key: '', text: unescapeJson(text), field: false });
  return at;
}

function readScalar(lines: readonly string[], at: number, first: string, indent: number) {
  const quote = first.charAt(0);
  if (quote === '"' || quote === "'") return readQuoted(lines, at, first.slice(1), quote);
  let next = at + 1;
  const block = (quote === '|' || quote === '>') && /^[|>][-+\d]*\s*$/.test(first);
  const parts = block ? [] : [first.trimEnd()];
  while (next < lines.length && continues(lines[next] ?? '', indent, block)) parts.push((lines[next++] ?? '').trim());
  return { value: parts.join('\n').trim(), next };
}

function continues(line: string, indent: number, block: boolean): boolean {
  if (line.trim() === '') return block;
  return indentOf(line) > indent && (block || !FIELD.test(line));
}

function indentOf(line: string): number {
  let indent = 0;
  while (indent < line.length && line.charCodeAt(indent) <= 0x20) indent++;
  return indent;
}

/** A quoted value up to its closing quote; a line break in it folds into a space, an empty line into a break. */
function readQuoted(lines: readonly string[], at: number, first: string, quote: string) {
  const parts: string[] = [];
  let next = at;
  for (let line: string | undefined = first; line !== undefined; line = lines[++next]?.trimStart()) {
    const end = closingQuote(line, quote);
    parts.push(end < 0 ? line : line.slice(0, end));
    if (end >= 0) break;
  }
  return { value: unfold(parts, quote), next: next + 1 };
}

function closingQuote(line: string, quote: string): number {
  for (let at = line.indexOf(quote); at >= 0; at = line.indexOf(quote, at + 1)) {
    if (quote === "'") {
      if (line.charAt(at + 1) !== "'") return at;
      at++;
    } else if (!isEscaped(line, at)) return at;
  }
  return -1;
}

function isEscaped(line: string, at: number): boolean {
  let slashes = 0;
  while (line.charAt(at - 1 - slashes) === '\\') slashes++;
  return slashes % 2 === 1;
}

const ESCAPE = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[\s\S])/g;

function unfold(parts: readonly string[], quote: string): string {
  const text = parts.length === 1 ? (parts[0] as string) : joinFolded(parts, quote);
  if (quote === "'") return text.includes("''") ? text.replaceAll("''", "'") : text;
  return text.includes('\\') ? text.replace(ESCAPE, unescapeOne) : text;
}

/** Lines as a reader of YAML joins them; a backslash at the end of a line joins without a space. */
function joinFolded(parts: readonly string[], quote: string): string {
  const pieces: string[] = []; // none of them empty
  for (const part of parts) {
    const last = pieces[pieces.length - 1] ?? '';
    const ending = last.charCodeAt(last.length - 1);
    if (quote === '"' && ending === BACKSLASH) {
      pieces.pop();
      if (last.length > 1) pieces.push(last.slice(0, -1));
      if (part !== '') pieces.push(part);
    } else if (part === '') pieces.push('\n');
    else if (last === '' || ending === LINE_BREAK) pieces.push(part);
    else pieces.push(' ', part);
  }
  return pieces.join('');
}

function unescapeOne(found: string): string {
  const letter = found.charAt(1);
  if (letter === 'x' || letter === 'u') return String.fromCharCode(Number.parseInt(found.slice(2), 16));
  if (letter === 'n' || letter === 'r') return '\n';
  return letter === 't' ? ' ' : letter;
}
