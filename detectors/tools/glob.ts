/** Globs over names: `*` stands for any characters, `?` for one. */

/** Whether a name is what a glob says, letter for letter. Takes at most their lengths' product of steps. */
export function matchesGlob(glob: string, name: string): boolean {
  let at_glob = 0;
  let at_name = 0;
  let star = -1;
  let retry = 0;
  while (at_name < name.length) {
    const sign = glob.charAt(at_glob);
    if (sign === '*') {
      star = at_glob++;
      retry = at_name;
    } else if (at_glob < glob.length && (sign === '?' || sign === name.charAt(at_name))) {
      at_glob++;
      at_name++;
    } else if (star >= 0) {
      // What the last star stands for becomes one longer.
      at_glob = star + 1;
      at_name = ++retry;
    } else return false;
  }
  while (glob.charAt(at_glob) === '*') at_glob++;
  return at_glob === glob.length;
}
