/** Text that a person who reads a description does not see, and a model does. */
import { decodings } from '../lineage/decode.ts';

export interface HiddenText {
  /** In an analyst's words. */
  how: string;
  /** What it says, or empty where characters are there that say nothing. */
  text: string;
}

const TAGS = /[\u{e0020}-\u{e007e}]{2,}/gu;
/** Flags of regions are written with tag characters after a black flag. */
const FLAG = /\u{1f3f4}[\u{e0020}-\u{e007f}]{2,8}/gu;
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/;
const INVISIBLE = /[\u200b\u2060-\u2064\u180e\ufeff\u00ad]/g;
/** One or two slip in when somebody copies from a page. */
const INVISIBLE_MIN = 3;
const COMMENT = /<!--([\s\S]{1,4000}?)-->/g;
/** So much white space pushes what follows out of a window. */
const FAR_AWAY = /[^\S\n]{120,}\S|(?:\n[^\S\n]*){30,}\S/;
const ENCODED_RUN = /[A-Za-z0-9+/_-]{32,}|[0-9a-fA-F]{40,}/;
const ESCAPE = /\u001b\[/;
const COMMENTS_MAX = 16;

/** What is hidden in a text, once for each way of hiding. */
export function hiddenTexts(text: string): HiddenText[] {
  const found: HiddenText[] = [];
  const tags = text.replace(FLAG, '').match(TAGS);
  if (tags !== null) found.push({ how: 'characters that no font shows', text: tags.map(fromTags).join(' ') });
  const invisible = text.match(INVISIBLE)?.length ?? 0;
  if (invisible >= INVISIBLE_MIN) found.push({ how: `${invisible} invisible characters`, text: '' });
  if (DIRECTION.test(text)) found.push({ how: 'marks that turn the direction of writing', text: '' });
  if (ESCAPE.test(text)) found.push({ how: 'terminal control codes', text: '' });
  const comments = [...text.matchAll(COMMENT)].slice(0, COMMENTS_MAX).map((match) => match[1] ?? '');
  if (comments.length > 0) found.push({ how: 'a comment that is not displayed', text: comments.join('\n') });
  if (FAR_AWAY.test(text)) found.push({ how: 'text behind a long blank', text: '' });
  if (ENCODED_RUN.test(text)) for (const decoded of readable(text)) found.push({ how: 'encoded text', text: decoded });
  return found;
}

/** The text without characters that are not shown, in its plainest form, so that words are found again. */
export function visibleText(text: string): string {
  return text
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .replace(/[\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu, '');
}

function fromTags(tags: string): string {
  return [...tags].map((char) => String.fromCharCode((char.codePointAt(0) ?? 0) - 0xe0000)).join('');
}

/** Of what was decoded, the parts that are words. */
function readable(text: string): string[] {
  return decodings(text)
    .slice(1)
    .map((decoded) =>
      (decoded.text.match(/[\t\n\r -~]{16,}/g) ?? []).filter((run) => /[a-z]{2,} [a-z]{2,} /i.test(run)),
    )
    .filter((runs) => runs.length > 0)
    .map((runs) => runs.join('\n').slice(0, 4_000));
}
