/** Tells, for the texts of a session, how much of each a call carries, and what the pieces of several calls add up to. */
import type { LineageCounters, Split } from './edge.ts';
import { findNear, PASSAGE_WEIGHT_MIN, type Passage, PIECE_WEIGHT_MIN } from './passages.ts';
import { type Source, type SourceStore, segmentAt, segmentEnd } from './source_store.ts';
import { Pieces, share } from './split.ts';
import type { TextScan } from './text_scan.ts';

/** A text that a parameter holds a part of. */
export interface CarriedText {
  source: Source;
  /** The longest of the passages. */
  best: Passage;
  /** Characters of the parameter in all of them, and their share of the string in the source. */
  chars: number;
  source_share: number;
  split?: Split;
}

const SOURCES_MAX = 64;
const BYTES_EACH = 4_096;
const TOKEN_CHARS_MAX = 128;
/** Many results of one kind share their wording; so many are told. */
const SOURCES_PER_TEXT_MAX = 4;
/** Pieces may lie this many characters apart, since words are cut where a text was split. */
const GAP_CHARS = 32;
/** What pieces have to add up to before they mean something, and what the latest has to add. */
const SPLIT_CHARS_MIN = 64;
const FRESH_CHARS_MIN = 8;
const NOTHING: readonly CarriedText[] = [];

export class CarriedTexts {
  private readonly sources: SourceStore;
  private readonly counters: LineageCounters;
  private pieces: Map<number, Pieces> | undefined;
  /** Where the latest piece ended in its source. */
  private near: { id: number; place: number } | undefined;

  constructor(sources: SourceStore, counters: LineageCounters) {
    this.sources = sources;
    this.counters = counters;
  }

  get bytes(): number {
    return (this.pieces?.size ?? 0) * BYTES_EACH;
  }

  /** Takes in the passages of one parameter; yields the texts that it carries enough of, alone or with earlier calls. */
  read(scan: TextScan, passages: readonly Passage[], call: number): readonly CarriedText[] {
    const all = passages.length > 0 ? passages : this.next(scan);
    if (all.length === 0) return NOTHING;
    const by_source = new Map<Source, Passage[]>();
    for (const passage of all) {
      if (passage.weight < PIECE_WEIGHT_MIN || isToken(scan.text, passage)) continue;
      const of_source = by_source.get(passage.source);
      if (of_source === undefined) by_source.set(passage.source, [passage]);
      else of_source.push(passage);
    }
    const carried: CarriedText[] = [];
    for (const [source, of_source] of mostOf(by_source)) {
      const text = this.sum(source, of_source, call);
      if (text !== undefined) carried.push(text);
    }
    return carried;
  }

  /** A piece too short for the index to know may go on where the one before it ended. */
  private next(scan: TextScan): readonly Passage[] {
    const next = this.near && findNear(this.sources, scan, this.counters, this.near);
    return next === undefined ? [] : [next];
  }

  private sum(source: Source, passages: readonly Passage[], call: number): CarriedText | undefined {
    const split = this.addPieces(source, passages, call);
    const long = passages.filter(({ weight }) => weight >= PASSAGE_WEIGHT_MIN);
    const [best] = [...passages].sort((one, other) => other.weight - one.weight);
    if (best === undefined || (long.length === 0 && split === undefined)) return undefined;
    const counted = long.length > 0 ? long : passages;
    const chars = counted.reduce((sum, passage) => sum + passage.chars, 0);
    const source_chars = counted.reduce((sum, passage) => sum + passage.source_end - passage.source_start, 0);
    const source_share = shareOf(source, best.source_start, source_chars, source_chars);
    return { source, best, chars, source_share, ...(split !== undefined && { split }) };
  }

  /** Notes the pieces of a text; yields what they add up to when earlier ones are among them. */
  private addPieces(source: Source, passages: readonly Passage[], call: number): Split | undefined {
    const pieces = this.piecesOf(source);
    let best: Split | undefined;
    for (const { source_start, source_end } of passages) {
      const fresh = pieces.add(call, source_start, source_end);
      this.near = { id: source.id, place: source_end };
      if (fresh < FRESH_CHARS_MIN) continue;
      const { calls, chars, from, to } = pieces.around(source_start, GAP_CHARS);
      if (chars < SPLIT_CHARS_MIN || chars - fresh < FRESH_CHARS_MIN || chars < (best?.chars ?? 0)) continue;
      best = { calls, chars, coverage: shareOf(source, from, chars, to - from) };
    }
    return best;
  }

  private piecesOf(source: Source): Pieces {
    this.pieces ??= new Map();
    const known = this.pieces.get(source.id);
    if (known !== undefined) return known;
    const made = new Pieces();
    this.pieces.set(source.id, made);
    for (const oldest of this.pieces.keys()) {
      if (this.pieces.size <= SOURCES_MAX) break;
      this.pieces.delete(oldest);
    }
    return made;
  }
}

/** The sources that a parameter holds most of; of those with as much, the earliest. */
function mostOf(by_source: ReadonlyMap<Source, Passage[]>): [Source, Passage[]][] {
  const entries = [...by_source];
  if (entries.length <= SOURCES_PER_TEXT_MAX) return entries;
  const held = (passages: readonly Passage[]) => passages.reduce((sum, { chars }) => sum + chars, 0);
  const counted = entries.map((entry) => ({ entry, chars: held(entry[1]) }));
  counted.sort((one, other) => other.chars - one.chars || one.entry[0].id - other.entry[0].id);
  return counted.slice(0, SOURCES_PER_TEXT_MAX).map(({ entry }) => entry);
}

/** Whether a passage of a text means something alone. */
export function isLong(text: string, passage: Passage): boolean {
  return passage.weight >= PASSAGE_WEIGHT_MIN && !isToken(text, passage);
}

/** A part of one word is an identifier, if anything; a very long one may be encoded text. */
function isToken(text: string, { start, end }: Passage): boolean {
  return end - start <= TOKEN_CHARS_MAX && /^[\w+/=.~-]*$/.test(text.slice(start, end));
}

/** A share of the string around a place, or of the whole source when what is counted reaches beyond that string. */
function shareOf(source: Source, place: number, chars: number, reach: number): number {
  const segment = segmentAt(source, place);
  const held = segmentEnd(source, segment) - (source.starts[segment] ?? 0);
  return share(chars, reach > held ? source.text.length : held);
}
