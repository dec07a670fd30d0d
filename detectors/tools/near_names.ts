/** When two names of tools may be taken for each other, by a person or by a model. */
import { wordsOf } from '../catalog/words.ts';

/** From the most deliberate to the most ordinary. */
export type NameLikeness = 'lookalike' | 'lookalike_digit' | 'same' | 'written_otherwise' | 'mistyped';

const NAME_CHARS_MAX = 128;

/** Letters of other scripts that look like a Latin one, each list after the letter it looks like. */
const LOOKALIKES = `aаαɑ bЬ cсϲ dԁ eеєҽ gɡ hһ iіιı jјʝ kкκ lӏⅼ nո oоοօ pрρ qԛ rг sѕ tτ uսυ vνѵ wԝա xхχ yуγү zᴢ`;
const LATIN_OF = new Map<string, string>(
  LOOKALIKES.split(' ').flatMap((group) => {
    const [latin = '', ...others] = [...group];
    return others.map((other) => [other, latin] as const);
  }),
);

/** A name with what it is compared by, worked out once. */
export interface NameForm {
  name: string;
  /** Lower case without what separates words. */
  plain: string;
  /** As a reader sees it; names that look the same have the same. */
  seen: string;
}

const FORMS_CACHED_MAX = 10_000;
const cache = new Map<string, NameForm>();

/** The form of a name; the cache holds only what the name alone decides. */
export function nameForm(name: string): NameForm {
  const cut = name.slice(0, NAME_CHARS_MAX);
  const cached = cache.get(cut);
  if (cached !== undefined) return cached;
  const plain = plainName(cut);
  const form = { name: cut, plain, seen: asSeen(plain) };
  if (cache.size >= FORMS_CACHED_MAX) cache.clear();
  cache.set(cut, form);
  return form;
}

/** How two names are alike, or undefined when nobody would confuse them. */
export function likeness(a: NameForm, b: NameForm): NameLikeness | undefined {
  if (a.name === b.name) return 'same';
  if (a.plain === b.plain) return 'written_otherwise';
  if (a.seen === b.seen) return isAscii(a.name + b.name) ? 'lookalike_digit' : 'lookalike';
  const shorter = Math.min(a.seen.length, b.seen.length);
  const allowed = shorter >= 12 ? 2 : shorter >= 6 ? 1 : 0;
  if (allowed === 0 || !isWithin(a.seen, b.seen, allowed)) return undefined;
  return areTwoThings(a.name, b.name) ? undefined : 'mistyped';
}

/** Lower case without what separates words. */
function plainName(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_\-./:]+/g, '');
}

/** As a reader sees it: look-alike letters and digits as the letter that they look like. */
function asSeen(plain: string): string {
  const latin = isAscii(plain) ? plain : toLatin(plain);
  return latin
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll('0', 'o')
    .replace(/[1|]/g, 'l')
    .replaceAll('5', 's');
}

function toLatin(plain: string): string {
  const latin = [...plain].map((char) => LATIN_OF.get(char) ?? char).join('');
  return latin.normalize('NFD').replace(/[\u0300-\u036f\u200b-\u200f\u2060\ufeff]/g, '');
}

// Short words differ in a letter and mean something else; so do these and their opposites.
const VERB_CHARS_MAX = 4;
const VERBS = new Set(
  `import export install uninstall unlock unmute unpin block unblock assign unassign unstar unlike follow unfollow subscribe
  unsubscribe archive unarchive remove start restart reopen undo unlink untag unzip enable disable activate deactivate attach
  detach mount unmount register unregister publish unpublish update delete create`.split(/\s+/),
);

/** One of a thing and many of it, a second version, or another verb: two tools, not one name mistyped. */
function areTwoThings(a: string, b: string): boolean {
  const left = singularWords(a);
  const right = singularWords(b);
  if (left.join() === right.join()) return true;
  if (left.length !== right.length) return false;
  const differing = left.flatMap((word, at) => (word === right[at] ? [] : [[word, right[at] ?? ''] as const]));
  return differing.every((pair) => pair.every((word) => word.length <= VERB_CHARS_MAX || VERBS.has(word)));
}

function singularWords(name: string): string[] {
  return wordsOf(name.replace(/\d+/g, '')).map((word) => (word.length > 3 ? word.replace(/(?<!s)s$/, '') : word));
}

function isAscii(text: string): boolean {
  return /^[\u0020-\u007e]*$/.test(text);
}

/**
 * Whether one becomes the other by at most so many letters added, left out, exchanged or swapped with a neighbour.
 * Only places near the diagonal can be part of a way that short, so the time is that of the shorter name.
 */
export function isWithin(a: string, b: string, distance_max: number): boolean {
  if (Math.abs(a.length - b.length) > distance_max) return false;
  const far = distance_max + 1;
  let before_last: number[] = [];
  let last: number[] = [];
  for (let j = 0; j <= Math.min(b.length, distance_max); j++) last[j] = j;
  for (let i = 1; i <= a.length; i++) {
    const row: number[] = [];
    let least = far;
    if (i <= distance_max) least = row[0] = i;
    for (let j = Math.max(1, i - distance_max); j <= Math.min(b.length, i + distance_max); j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let cost = Math.min((last[j] ?? far) + 1, (row[j - 1] ?? far) + 1, (last[j - 1] ?? far) + (same ? 0 : 1));
      const swapped =
        i > 1 && j > 1 && a.charCodeAt(i - 1) === b.charCodeAt(j - 2) && a.charCodeAt(i - 2) === b.charCodeAt(j - 1);
      if (swapped) cost = Math.min(cost, (before_last[j - 2] ?? far) + 1);
      row[j] = cost;
      least = Math.min(least, cost);
    }
    if (least > distance_max) return false;
    before_last = last;
    last = row;
  }
  return (last[b.length] ?? far) <= distance_max;
}
