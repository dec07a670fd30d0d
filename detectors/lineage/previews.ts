/** How values, identifiers and passages are shown to people: never so that something could be opened with what is shown. */
import type { Identifier } from './identifiers.ts';
import { extractSecrets } from './secrets.ts';
import type { Source } from './source_store.ts';

const PREVIEW_CHARS_MAX = 80;
/** An identifier that looks random may open something, so a long one shows its ends only. */
const RANDOM_CHARS_MAX = 20;
const RANDOM = /(?<![\w+/=-])(?=[\w+/=-]{0,64}\d)[\w+/=-]{21,}/g;
const SECRET_FIELDS = /passw|passphrase|passcode|pwd|secret|token|credential|\bpin\b|api_?key/i;

/** A text's letters and digits in small letters, single spaces between the words. */
export function wordsIn(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ')
    .trim();
}

/** An identifier; a URL without its query. */
export function previewOfIdentifier(value: string, form: Identifier['form']): string {
  if (form === 'url') return cut(value.split('?', 1)[0] ?? '');
  if ((form === 'hash' || form === 'code') && value.length > RANDOM_CHARS_MAX)
    return `${value.slice(0, 4)}…${value.slice(-4)}`;
  return cut(value);
}

/** A passage may hold a part of a secret, which no mask would find, so of a text with secrets nothing is shown. */
export function previewOfText(passage: string, { secrets }: Source): string {
  const start = passage.slice(0, PREVIEW_CHARS_MAX * 4);
  if (secrets.length > 0 || extractSecrets(start).length > 0) return `a passage of ${passage.length} characters`;
  return cut(start.replace(/\s+/g, ' ').replace(RANDOM, (token) => `${token.slice(0, 4)}…${token.slice(-4)}`));
}

/** The value of a short field, unless a field of that name may hold what opens something. */
export function previewOfPhrase(text: string, names: readonly string[]): string {
  return names.some((name) => SECRET_FIELDS.test(name)) ? `a value of ${text.length} characters` : cut(text);
}

function cut(text: string): string {
  return text.length > PREVIEW_CHARS_MAX ? `${text.slice(0, PREVIEW_CHARS_MAX - 1)}…` : text;
}
