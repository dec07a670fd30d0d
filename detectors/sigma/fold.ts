/** How texts are made comparable when case does not matter. */

const FINAL_SIGMA = 'ς';
const LONG_S = 'ſ';

/** Lower case as Unicode has it. A final sigma counts as sigma, since what is final in a pattern need not be in a text. */
export function foldCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.includes(FINAL_SIGMA) ? lower.replaceAll(FINAL_SIGMA, 'σ') : lower;
}

/** The same for the search of a literal of ASCII in front of an expression: in RE2 `s` also stands for a long s. */
export function foldForRegex(text: string): string {
  const lower = foldCase(text);
  return lower.includes(LONG_S) ? lower.replaceAll(LONG_S, 's') : lower;
}
