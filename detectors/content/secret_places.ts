/** Finds secrets near the places that the scan names, so that a long text is not searched for the sake of one word. */
import { extractSecrets, type Secret } from '../lineage/secrets.ts';
import { SIGHT } from './sights.ts';

/** What a scan says of where secrets may be. */
export interface SecretHints {
  readonly sights: number;
  readonly randoms: readonly number[];
  readonly secrets: readonly number[];
}

const PLACES_MAX = 64;
const BEFORE_CHARS = 48;
const AFTER_CHARS = 320;
const USER_CHARS_MAX = 200;
/** How tokens of known services begin. */
const SHAPED = /gh[pousr]_|github_pat_|AKIA|ASIA|glpat-|xox|k_|AIza|ya29|sk-|eyJ/;
/** Some begin with a name and a dot, which is no part of the run. */
const NAME_CHARS = 5;
const LINKED_ADDRESS = SIGHT.at | SIGHT.link;

/** The secrets of a text, each once; `name` is the name of the field that holds it. */
export function secretsNear(text: string, hints: SecretHints, name = ''): Secret[] {
  const places = placesOf(text, hints);
  if (name !== '' && text.length <= AFTER_CHARS) places.push(0);
  if (places.length === 0) return [];
  const found = new Map<string, Secret>();
  let searched = 0;
  for (const place of places.sort((a, b) => a - b)) {
    const end = Math.min(text.length, place + AFTER_CHARS);
    if (end <= searched) continue;
    // Neighbouring places are searched together, and what was searched is not searched again.
    const start = Math.max(0, place - BEFORE_CHARS);
    for (const secret of extractSecrets(text.slice(start, end), name)) found.set(secret.value, secret);
    searched = end === text.length ? end : end - AFTER_CHARS / 2;
  }
  return [...found.values()];
}

function placesOf(text: string, { sights, randoms, secrets }: SecretHints): number[] {
  const places = [...secrets];
  for (let at = 0; at + 1 < randoms.length && places.length < PLACES_MAX; at += 2) {
    const start = randoms[at] as number;
    if (SHAPED.test(text.slice(Math.max(0, start - NAME_CHARS), randoms[at + 1]))) places.push(start);
  }
  if ((sights & LINKED_ADDRESS) !== LINKED_ADDRESS) return places;
  for (let at = text.indexOf('://'); at >= 0 && places.length < PLACES_MAX; at = text.indexOf('://', at + 3)) {
    if (text.slice(at, at + USER_CHARS_MAX).includes('@')) places.push(at);
  }
  return places;
}
