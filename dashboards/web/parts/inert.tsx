/**
 * Text from outside: never markup, and with every character that shows nothing or turns the direction of text made
 * visible, so that it cannot hide or look like something else.
 */

// Control and format characters, separators of lines, halves of pairs, and what is drawn as nothing at all.
const HIDDEN = /([\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800])/u;
const NONE: ReadonlySet<string> = new Set();
const LINE_ENDS: ReadonlySet<string> = new Set(['\n', '\t']);

function parts(text: string, kept: ReadonlySet<string>) {
  // Splitting by a group leaves the matches at the odd places.
  return text.split(HIDDEN).map((part, i) =>
    i % 2 === 0 || kept.has(part) ? (
      part
    ) : (
      <span class="hidden" key={i}>
        {codeOf(part)}
      </span>
    ),
  );
}

function codeOf(char: string): string {
  return `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** A name, a title or a sentence: in one line, set apart from the direction of the text around it. */
export function Inert({ text }: { text: string }) {
  return <bdi>{parts(text, NONE)}</bdi>;
}

/** A piece of a text of lines. */
export function InertLines({ text }: { text: string }) {
  return <>{parts(text, LINE_ENDS)}</>;
}

export const SHOWN_CHARS_MAX = 20_000;

/** What may be higher than its box scrolls, and what scrolls must be reachable by keyboard. */
function scrolls(text: string): boolean {
  return text.length > 1_000 || text.split('\n').length > 15;
}

/** A text of lines; a long one is cut, and says so. */
export function InertBlock({ text, label }: { text: string; label?: string }) {
  const cut = text.length > SHOWN_CHARS_MAX;
  return (
    <>
      {label !== undefined && <p class="label">{label}</p>}
      <pre dir="auto" tabIndex={scrolls(text) ? 0 : undefined}>
        {parts(text.slice(0, SHOWN_CHARS_MAX), LINE_ENDS)}
      </pre>
      {cut && (
        <p class="gone">
          Cut after {SHOWN_CHARS_MAX} of {text.length} characters; the API has it whole.
        </p>
      )}
    </>
  );
}
