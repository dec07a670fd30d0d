/**
 * Text from outside on a page: escaped, so that it is never markup, and with every character that shows nothing or
 * turns the direction of text made visible, so that it cannot hide or look like something else.
 */
import { html } from 'hono/html';

export type Html = ReturnType<typeof html>;

// Control and format characters, separators of lines, halves of pairs, and what is drawn as nothing at all.
const HIDDEN = /([\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800])/u;
const LINE_ENDS = new Set(['\n', '\t']);

function codeOf(char: string): string {
  return `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function render(text: string, kept: ReadonlySet<string>): Html {
  // Splitting by a group leaves the matches at the odd places.
  const parts = text
    .split(HIDDEN)
    .map((part, i) => (i % 2 === 0 || kept.has(part) ? part : html`<span class="hidden">${codeOf(part)}</span>`));
  return html`${parts}`;
}

const NONE: ReadonlySet<string> = new Set();

/** A name, a title or a sentence: in one line, set apart from the direction of the text around it. */
export function inert(text: string): Html {
  return html`<bdi>${render(text, NONE)}</bdi>`;
}

/** A text of lines. */
export function inertBlock(text: string): Html {
  return html`<pre dir="auto">${render(text, LINE_ENDS)}</pre>`;
}
