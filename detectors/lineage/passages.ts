/**
 * Finds passages that two texts share. Of a source, hashes of three words in a row are noted, thinned by winnowing so
 * that any run of eight words has one. A parameter's words are looked up; from each hit the match is followed in both
 * texts, over small edits, as far as it goes. The work is linear in the parameter.
 */
import type { LineageCounters } from './edge.ts';
import { isAgentSource, placeOf, placeStart, type Source, type SourceStore } from './source_store.ts';
import { mixed, TextScan } from './text_scan.ts';

/** A part of a parameter that stands in a source as well. */
export interface Passage {
  source: Source;
  /** Characters of the parameter, and those of the source. */
  start: number;
  end: number;
  source_start: number;
  source_end: number;
  /** Words of the parameter: the first, and the last. */
  first: number;
  last: number;
  /** Characters of the parameter's words that match. */
  chars: number;
  /** The same, but of a script whose characters say more, more. */
  weight: number;
}

/** A passage that weighs less may be chance; about eight words of English. */
export const PASSAGE_WEIGHT_MIN = 48;
/** A piece of something split has to weigh as much; about three words. */
export const PIECE_WEIGHT_MIN = 12;

const SHINGLE = 3;
const WINDOW = 6;
const SOURCES_PER_SHINGLE_MAX = 4;
const PASSAGES_PER_TEXT_MAX = 64;
/** Words that may be skipped on either side of an edit, and how far a match may worsen before it ends. */
const EDIT_WORDS_MAX = 4;
const DROP_MAX = 6;
/** Characters of sources that one parameter may have looked at: a multiple of its own, and some. */
const WINDOW_FACTOR = 8;
const WINDOW_CHARS = 4_096;
const AROUND_CHARS = 96;
/** What a character that is a word of its own, as in Chinese, weighs. */
const ALONE_WEIGHT = 4;
const ALONE_FROM = 0x2e80;
/** With more hits than this of the agent's own words, a source only echoes them. */
const ECHO_DENSITY = 0.15;
/** A longer text is not tried beside the place where the one before it ended. */
const NEAR_WORDS_MAX = 32;

const window_scan = new TextScan();
const window = new Int32Array(WINDOW); // of hashes

/** The hash of three words in a row. */
export function shingleAt(hashes: Int32Array, at: number): number {
  const one = Math.imul(hashes[at] as number, 0x9e3779b1);
  const two = Math.imul(hashes[at + 1] as number, 0x85ebca77);
  const three = Math.imul(hashes[at + 2] as number, 0xc2b2ae3d);
  return mixed(one ^ ((two << 11) | (two >>> 21)) ^ ((three << 19) | (three >>> 13)));
}

/** Three words in a row for every place in a scan where there are. */
export function shinglesOf(scan: TextScan): number {
  return Math.max(0, scan.words - SHINGLE + 1);
}

/** Calls back for the shingles that winnowing keeps: the least of every six in a row. */
export function winnow(scan: TextScan, keep: (hash: number, word: number) => void): void {
  const count = shinglesOf(scan);
  let least = -1;
  let least_hash = 0;
  for (let at = 0; at < count; at++) {
    const hash = shingleAt(scan.hashes, at);
    window[at % WINDOW] = hash;
    if (at < WINDOW - 1 && at < count - 1) continue;
    if (least > at - WINDOW) {
      if (hash > least_hash) continue;
      least = at;
      least_hash = hash;
    } else {
      least = Math.max(0, at - WINDOW + 1);
      least_hash = window[least % WINDOW] as number;
      for (let next = least + 1; next <= at; next++) {
        const other = window[next % WINDOW] as number;
        if (other > least_hash) continue;
        least = next;
        least_hash = other;
      }
    }
    keep(least_hash, least);
  }
}

/** Notes the shingles of a source, unless the agent wrote them first. */
export function notePassages(store: SourceStore, source: Source, scan: TextScan): void {
  const { index } = store;
  winnow(scan, (hash, word) => {
    let known = 0;
    for (let at = index.first(hash); at >= 0; at = index.before(at)) {
      const id = index.sourceAt(at);
      if (id === source.id || (isAgentSource(id) && store.get(id) !== undefined)) return;
      if (++known >= SOURCES_PER_SHINGLE_MAX) return;
    }
    const start = scan.starts[word] as number;
    store.add(source, hash, placeOf(start, start), false);
  });
}

/** Notes the shingles of what the agent wrote itself; what it copied is known already. */
export function noteOwnWords(
  store: SourceStore,
  source: () => Source,
  scan: TextScan,
  copied: readonly Passage[],
): void {
  winnow(scan, (hash, word) => {
    if (copied.some(({ first, last }) => word >= first && word <= last)) return;
    if (store.index.first(hash) < 0) store.add(source(), hash, 0, false);
  });
}

/** The passages that a scanned text shares with sources, those too short to mean anything alone included. */
export function findPassages(store: SourceStore, scan: TextScan, counters: LineageCounters): Passage[] {
  const found: Passage[] = [];
  const own: number[] = [];
  const follower = createFollower(scan, counters);
  const count = shinglesOf(scan);
  for (let word = 0; word < count && found.length < PASSAGES_PER_TEXT_MAX; word++) {
    const { index } = store;
    for (let at = index.first(shingleAt(scan.hashes, word)); at >= 0; at = index.before(at)) {
      const id = index.sourceAt(at);
      const source = store.get(id);
      if (source === undefined) continue;
      if (isAgentSource(id)) own.push(word);
      else if (!found.some((each) => each.source === source && word >= each.first && word <= each.last)) {
        const passage = follower(source, word, placeStart(index.placeAt(at)));
        if (passage !== undefined) found.push(passage);
      }
    }
  }
  return own.length === 0 ? found : found.filter((passage) => !isEcho(passage, own));
}

function isEcho({ first, last }: Passage, own: readonly number[]): boolean {
  const hits = own.filter((word) => word >= first && word <= last).length;
  return hits > (last - first + 1) * ECHO_DENSITY;
}

/** The passage of a short text that goes on where an earlier one ended in a source, or undefined. */
export function findNear(
  store: SourceStore,
  scan: TextScan,
  counters: LineageCounters,
  near: { id: number; place: number },
): Passage | undefined {
  const source = store.get(near.id);
  const count = shinglesOf(scan);
  if (source === undefined || scan.words > NEAR_WORDS_MAX) return undefined;
  const from = Math.max(0, near.place - AROUND_CHARS);
  const to = Math.min(source.text.length, near.place + AROUND_CHARS + scan.text.length);
  window_scan.scan(source.text, from, to);
  if (counters.work !== undefined) counters.work += to - from;
  for (let word = 0; word < count; word++) {
    const hash = shingleAt(scan.hashes, word);
    for (let other = 0; other < shinglesOf(window_scan); other++) {
      if (shingleAt(window_scan.hashes, other) === hash) return follow(source, scan, word, other);
    }
  }
  return undefined;
}

/** Follows matches of one text; looks at no more of the sources than a multiple of that text. */
function createFollower(scan: TextScan, counters: LineageCounters) {
  const { text } = scan;
  let left = text.length * WINDOW_FACTOR + WINDOW_CHARS;
  let window_source: Source | undefined;
  let window_from = 0;
  let window_to = 0;

  function lookAround(source: Source, before: number, place: number, after: number): boolean {
    const needs_from = Math.max(0, place - before);
    const needs_to = Math.min(source.text.length, place + after);
    if (source === window_source && needs_from >= window_from && needs_to <= window_to) return true;
    const from = wordBoundary(source.text, Math.max(0, place - before * 1.5 - AROUND_CHARS) | 0);
    const to = Math.min(source.text.length, (place + after * 1.5 + AROUND_CHARS) | 0);
    if (to - from > left) return false;
    left -= to - from;
    if (counters.work !== undefined) counters.work += to - from;
    window_scan.scan(source.text, from, to);
    window_source = source;
    window_from = from;
    window_to = to;
    return true;
  }

  return (source: Source, word: number, place: number): Passage | undefined => {
    const start = scan.starts[word] as number;
    const first = scan.starts[0] as number;
    if (!lookAround(source, start - first, place, text.length - start)) return undefined;
    const other = window_scan.wordFrom(place);
    if (window_scan.starts[other] !== place || other + SHINGLE > window_scan.words) return undefined;
    if (shingleAt(window_scan.hashes, other) !== shingleAt(scan.hashes, word)) return undefined;
    return follow(source, scan, word, other);
  };
}

/** A place at or shortly before another where a word may begin. */
function wordBoundary(text: string, at: number): number {
  let from = at;
  while (from > 0 && at - from < AROUND_CHARS && text.charCodeAt(from - 1) > 0x20) from--;
  return from;
}

/** The passage around a hit: both sides of it are followed in both texts. */
function follow(source: Source, scan: TextScan, word: number, other: number): Passage {
  const back = followOneWay(scan, word + SHINGLE - 1, other + SHINGLE - 1, -1);
  const on = followOneWay(scan, word + SHINGLE, other + SHINGLE, 1);
  const first = back.word;
  const last = Math.max(on.word, word + SHINGLE - 1);
  const last_other = on.weight === 0 ? other + SHINGLE - 1 : on.other;
  return {
    source,
    start: scan.starts[first] as number,
    end: scan.ends[last] as number,
    source_start: window_scan.starts[back.other] as number,
    source_end: window_scan.ends[last_other] as number,
    first,
    last,
    chars: back.chars + on.chars,
    weight: back.weight + on.weight,
  };
}

/**
 * Goes through the words of both texts in one direction. A match counts for it and a skipped word against it; the
 * place where it stood best is where the passage ends.
 */
function followOneWay(scan: TextScan, from: number, from_other: number, step: 1 | -1) {
  const best = { word: from - step, other: from_other - step, chars: 0, weight: 0 };
  const now = { word: from, other: from_other, chars: 0, weight: 0 };
  let score = 0;
  let best_score = 0;
  const inside = (word: number, other: number) =>
    word >= 0 && other >= 0 && word < scan.words && other < window_scan.words;
  const same = (word: number, other: number) => inside(word, other) && scan.hashes[word] === window_scan.hashes[other];
  while (inside(now.word, now.other)) {
    if (same(now.word, now.other)) {
      const start = scan.starts[now.word] as number;
      const chars = (scan.ends[now.word] as number) - start;
      now.chars += chars + 1;
      now.weight += chars === 1 && scan.text.charCodeAt(start) >= ALONE_FROM ? ALONE_WEIGHT : chars + 1;
      if (++score > best_score) {
        best_score = score;
        Object.assign(best, now);
      }
      now.word += step;
      now.other += step;
      continue;
    }
    const skip = skipOf((word, other) => {
      const at = now.word + word * step;
      const at_other = now.other + other * step;
      return same(at, at_other) && same(at + step, at_other + step);
    });
    score -= Math.max(skip.word, skip.other);
    if (skip.word + skip.other === 0 || score < best_score - DROP_MAX) break;
    now.word += skip.word * step;
    now.other += skip.other * step;
  }
  return best;
}

/** The fewest words to skip on either side until two in a row match; none when there are none near. */
function skipOf(matches: (word: number, other: number) => boolean): { word: number; other: number } {
  for (let both = 1; both <= EDIT_WORDS_MAX * 2; both++) {
    for (let word = Math.max(0, both - EDIT_WORDS_MAX); word <= Math.min(both, EDIT_WORDS_MAX); word++) {
      if (matches(word, both - word)) return { word, other: both - word };
    }
  }
  return { word: 0, other: 0 };
}
