/** Looks how deep a YAML text goes before the library reads it. */

/** Where something stands in a file; both count from 1. */
export interface Place {
  line: number;
  column: number;
}

const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const OPEN_MAP = 123;
const CLOSE_MAP = 125;
const DASH = 45;
const QUESTION = 63;
const COLON = 58;

/**
 * The first place that opens too many levels at once. The library reads levels by recursion, and a process that comes
 * near the end of its stack there may die without an error that could be caught; so this looks before. It counts
 * brackets in texts as well, which closes nothing that rules and settings need.
 */
export function tooDeep(text: string, nesting_max: number): Place | undefined {
  let line = 0;
  let brackets = 0;
  for (const content of linesOf(text)) {
    line++;
    if (content.startsWith('---')) brackets = 0;
    const indent = content.search(/[^\t ]/);
    if (indent > nesting_max) return { line, column: indent + 1 };
    let marks = 0; // each may open a level: `- - -`, `a: b: c`, `? ? ?`
    for (let at = 0; at < content.length; at++) {
      const char = content.charCodeAt(at);
      if (char === OPEN_LIST || char === OPEN_MAP) brackets++;
      else if ((char === CLOSE_LIST || char === CLOSE_MAP) && brackets > 0) brackets--;
      else if ((char === DASH || char === QUESTION || char === COLON) && isBlank(content.charCodeAt(at + 1))) marks++;
      if (brackets > nesting_max || marks > nesting_max) return { line, column: at + 1 };
    }
  }
  return undefined;
}

/** A space, a tab, a return, or the end of the line. */
function isBlank(char: number): boolean {
  return char === 32 || char === 9 || char === 13 || Number.isNaN(char);
}

function* linesOf(text: string): Generator<string> {
  let from = 0;
  while (from <= text.length) {
    const end = text.indexOf('\n', from);
    yield text.slice(from, end < 0 ? text.length : end);
    if (end < 0) return;
    from = end + 1;
  }
}
