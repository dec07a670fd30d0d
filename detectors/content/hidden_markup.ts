/** Text that a page or document holds and does not show: comments, and elements whose style hides them. */
import type { Hidden } from './normalise_text.ts';

const PASSAGES_MAX = 256;
/** Of one passage that is looked at. */
const PASSAGE_CHARS_MAX = 20_000;
const TAG_CHARS_MAX = 4_000;
const LETTERS_MIN = 8;

/** HTML and Markdown comments. Every character is searched once. */
export function findComments(text: string): Hidden[] {
  const found: Hidden[] = [];
  for (let at = text.indexOf('<!--'); at >= 0 && found.length < PASSAGES_MAX; ) {
    const close = text.indexOf('-->', at + 4);
    const end = close < 0 ? text.length : close;
    addPassage(found, 'comment', at, end, text.slice(at + 4, Math.min(end, at + 4 + PASSAGE_CHARS_MAX)));
    at = close < 0 ? -1 : text.indexOf('<!--', end + 3);
  }
  if (text.includes(']:')) addMarkdownComments(found, text);
  return found;
}

/** `[//]: # (…)` and its like: a link target that nothing refers to. */
const MARKDOWN_COMMENT = /^\s{0,8}\[[^\]\n]{0,40}\]:\s{0,4}(?:#|<>)\s{0,4}[("'](.*)$/;

function addMarkdownComments(found: Hidden[], text: string): void {
  let start = 0;
  while (start < text.length && found.length < PASSAGES_MAX) {
    const line_end = text.indexOf('\n', start);
    const end = line_end < 0 ? text.length : line_end;
    const line = text.slice(start, Math.min(end, start + TAG_CHARS_MAX));
    const inner = line.includes(']:') ? MARKDOWN_COMMENT.exec(line)?.[1] : undefined;
    if (inner !== undefined) addPassage(found, 'comment', start, end, inner.replace(/[)"']\s*$/, ''));
    start = end + 1;
  }
}

/** Elements that a style, an attribute or their kind keeps from being shown. */
export function findHiddenElements(text: string): Hidden[] {
  const found: Hidden[] = [];
  for (let at = text.indexOf('<'); at >= 0 && found.length < PASSAGES_MAX; ) {
    const close = nextOf(text, at + 1);
    const tag = text.charAt(close) === '>' ? text.slice(at + 1, Math.min(close, at + TAG_CHARS_MAX)) : '';
    const name = hidingTag(tag);
    if (name === undefined) {
      at = close >= 0 && text.charAt(close) === '<' ? close : text.indexOf('<', at + 1);
      if (close < 0) break;
      continue;
    }
    const end = elementEnd(text, close + 1, name);
    const inner = text.slice(close + 1, Math.min(end, close + 1 + PASSAGE_CHARS_MAX));
    addPassage(found, 'hidden_element', at, end, inner.replace(/<[^<>]{0,1000}>/g, ' '));
    at = text.indexOf('<', end);
  }
  return found;
}

/** The next bracket of either kind, or -1. */
function nextOf(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 60 || code === 62) return at;
  }
  return -1;
}

function elementEnd(text: string, from: number, name: string): number {
  const window = text.slice(from, from + PASSAGE_CHARS_MAX);
  const at = window.toLowerCase().indexOf(`</${name}`);
  return at < 0 ? from + window.length : from + at;
}

const STYLE =
  /display\s{0,4}:\s{0,4}none|visibility\s{0,4}:\s{0,4}hidden|font-size\s{0,4}:\s{0,4}0(?![.\d]{0,4}[1-9])|opacity\s{0,4}:\s{0,4}0(?![.\d]{0,4}[1-9])|text-indent\s{0,4}:\s{0,4}-\d{3}|(?:left|top)\s{0,4}:\s{0,4}-\d{3}|clip\s{0,4}:\s{0,4}rect\(0|(?:width|height)\s{0,4}:\s{0,4}0(?:px)?\s{0,4}(?:;|["']|$)/i;
const WHITE =
  /(?:^|[;"'\s])color\s{0,4}:\s{0,4}(?:#fff(?:fff)?\b|white\b|transparent|rgba?\(\s{0,4}255,\s{0,4}255,\s{0,4}255)/i;
const DARK_GROUND = /background(?:-color)?\s{0,4}:\s{0,4}(?!#fff|white|transparent|none|inherit)/i;
const SHOWS_NOTHING = /^(?:script|style|svg|path|img|br|input|meta|link|iframe)$/;

/** The name of an element whose tag hides what it holds. */
function hidingTag(tag: string): string | undefined {
  const name = /^[a-zA-Z][a-zA-Z0-9]{0,20}(?=\s)/.exec(tag)?.[0].toLowerCase();
  if (name === undefined || SHOWS_NOTHING.test(name)) return undefined;
  const rest = tag.slice(name.length);
  if (/\bstyle\s{0,4}=/i.test(rest)) {
    if (STYLE.test(rest) || (WHITE.test(rest) && !DARK_GROUND.test(rest))) return name;
  }
  return /\s(?:hidden|aria-hidden\s{0,4}=\s{0,4}\\?["']true)(?=[\s="'/]|$)/i.test(rest) ? name : undefined;
}

function addPassage(found: Hidden[], way: Hidden['way'], start: number, end: number, inner: string): void {
  const text = inner.replace(/\s+/g, ' ').trim();
  if (/[A-Za-z]/.test(text) && text.length >= LETTERS_MIN) found.push({ way, start, end, count: text.length, text });
}
