/**
 * The texts that a session's values can have come from, and the index of what stands where in them. Memory is bounded:
 * when it runs out, the oldest text goes of whichever server holds most, so that one server cannot flush the others.
 */
import type { Encoding } from './decode.ts';
import type { EventRef, LineageCounters, SourceSensitivity } from './edge.ts';
import { ENTRY_BYTES, HashIndex } from './hash_index.ts';
import { maskSecrets, type Secret } from './secrets.ts';
import type { Segment } from './segments.ts';
import { createPlacer, type Placed } from './sentences.ts';

/** What is known of a source besides its text. */
export interface SourceFacts {
  ref: EventRef;
  /** Whether others than the user and the agent may have written it. */
  untrusted: boolean;
  sensitivity: SourceSensitivity;
  /** The memory that it was read from. */
  memory_store: string | undefined;
}

/** One result, or the part of it that was encoded; or what the agent itself put into a call. */
export interface Source extends SourceFacts {
  /** Odd for the agent's own. */
  readonly id: number;
  /** The strings of the result one after the other, a NUL between them; empty for the agent's own. */
  readonly text: string;
  /** Where each string begins, the name of its field, and whether it is a field's value. */
  readonly starts: readonly number[];
  readonly keys: readonly string[];
  readonly fields: readonly boolean[];
  /** How the text was wrapped in the result, outermost first. */
  readonly encodings: readonly Encoding[];
  secrets: readonly Secret[];
  readonly group: number;
  bytes: number;
  entries: number;
  values: number;
}

export interface StoreLimits {
  lineage_session_bytes_max: number;
  lineage_values_per_session_max: number;
}

const PLACE_BITS = 20;
/** Characters of one source; a place is a start and a length in one number. */
export const SOURCE_CHARS_MAX = 2 ** PLACE_BITS - 1;
export const PLACE_CHARS_MAX = 2 ** (31 - PLACE_BITS) - 1;
const SOURCE_BYTES = 400; // of the object and its lists
const SEGMENT_BYTES = 24;
const GROUPS = 16; // servers fall into them by their names
const AGENT_GROUP = GROUPS;
const SENTENCE_SHOWN_CHARS_MAX = 240;
const SENTENCE_VALUE_CHARS_MAX = 400; // of a passage, the part whose sentence is shown

type Held = Pick<Source, 'text' | 'starts' | 'keys' | 'fields' | 'encodings' | 'bytes'>;

/** Characters around a place that are looked at to say how it stands. */
const PLACE_WORK = 2_000;
const FIELD: readonly [Placed, Placed] = [
  { occurrence: 'field', sentence: '' },
  { occurrence: 'text', sentence: '' },
];
const NO_SECRETS: readonly Secret[] = [];

interface Group {
  bytes: number;
  queue: Source[];
  head: number;
}

const AGENT_FACTS = {
  ref: { log: '', seq: 0, event_id: '', server: '', tool: '' },
  untrusted: false,
  sensitivity: 'unknown',
  memory_store: undefined,
} as const;

/** A start and a length as one number. */
export function placeOf(start: number, end: number): number {
  return start | (Math.min(end - start, PLACE_CHARS_MAX) << PLACE_BITS);
}

/** Where a place begins. */
export function placeStart(place: number): number {
  return place & SOURCE_CHARS_MAX;
}

/** Where a place ends. */
export function placeEnd(place: number): number {
  return placeStart(place) + (place >>> PLACE_BITS);
}

/** Whether a source's number says that it is the agent's own. */
export function isAgentSource(id: number): boolean {
  return (id & 1) === 1;
}

export class SourceStore {
  readonly index = new HashIndex();
  private readonly by_id = new Map<number, Source>();
  private readonly groups: (Group | undefined)[] = [];
  private readonly counters: LineageCounters;
  private readonly text_bytes_max: number;
  private readonly entries_max: number;
  private readonly values_max: number;
  /** Texts with more values than were taken in, so that what is not in the index may still stand there. */
  overflowed: Set<Source> | undefined;
  private text_bytes = 0;
  private entries = 0;
  private values = 0;
  private opened = 0;
  private placer: { source: Source; segment: number; place: ReturnType<typeof createPlacer> } | undefined;

  constructor(limits: StoreLimits, counters: LineageCounters) {
    this.counters = counters;
    // What is left of a session's memory is for prompts, secrets, definitions and results that wait.
    this.text_bytes_max = limits.lineage_session_bytes_max / 3;
    this.entries_max = 2 ** Math.floor(Math.log2(limits.lineage_session_bytes_max / 4 / ENTRY_BYTES));
    this.values_max = limits.lineage_values_per_session_max;
  }

  get bytes(): number {
    return this.text_bytes + this.index.bytes;
  }

  get(id: number): Source | undefined {
    return this.by_id.get(id);
  }

  /** Takes in the strings of a result. */
  open(facts: SourceFacts, segments: readonly Segment[], encodings: readonly Encoding[]): Source {
    const starts = new Array<number>(segments.length);
    const keys = new Array<string>(segments.length);
    const fields = new Array<boolean>(segments.length);
    const texts = new Array<string>(segments.length);
    let chars = 0;
    for (let at = 0; at < segments.length; at++) {
      const segment = segments[at] as Segment;
      starts[at] = chars;
      keys[at] = segment.key;
      fields[at] = segment.field;
      texts[at] = segment.text;
      chars += segment.text.length + 1;
    }
    const text = texts.length === 1 ? (texts[0] as string) : texts.join('\u0000');
    const kept = text.length > SOURCE_CHARS_MAX ? text.slice(0, SOURCE_CHARS_MAX) : text;
    const bytes = SOURCE_BYTES + kept.length * 2 + segments.length * SEGMENT_BYTES;
    return this.admit(facts, { text: kept, starts, keys, fields, encodings, bytes }, groupOf(facts.ref.server), 0);
  }

  /** A source for what the agent brought itself in one call. */
  openAgent(): Source {
    const nothing = { text: '', starts: [], keys: [], fields: [], encodings: [], bytes: SOURCE_BYTES };
    return this.admit(AGENT_FACTS, nothing, AGENT_GROUP, 1);
  }

  private admit(facts: SourceFacts, held: Held, group: number, agent: 0 | 1): Source {
    const source: Source = {
      id: this.opened++ * 2 + agent,
      ref: facts.ref,
      untrusted: facts.untrusted,
      sensitivity: facts.sensitivity,
      memory_store: facts.memory_store,
      text: held.text,
      starts: held.starts,
      keys: held.keys,
      fields: held.fields,
      encodings: held.encodings,
      secrets: NO_SECRETS,
      group,
      bytes: held.bytes,
      entries: 0,
      values: 0,
    };
    this.by_id.set(source.id, source);
    this.groups[group] ??= { bytes: 0, queue: [], head: 0 };
    const own = this.groups[group];
    own.queue.push(source);
    own.bytes += held.bytes;
    this.text_bytes += held.bytes;
    while (this.text_bytes > this.text_bytes_max && this.evict(source));
    return source;
  }

  /** Notes that a hash stands at a place of a source; `value` when it stands for one value and not for a passage. */
  add(source: Source, hash: number, place: number, value: boolean): void {
    // No text may take all the room, or the next value would push it out.
    let room = !value || source.values < this.values_max / 2;
    if (!room && source.text !== '') this.overflowed = (this.overflowed ?? new Set()).add(source);
    room &&= !this.index.full || this.makeRoom(source);
    while (room && value && this.values >= this.values_max) room = this.evict(source);
    if (!room) {
      this.counters.evicted_values++;
      return;
    }
    this.index.add(hash, source.id, place);
    source.entries++;
    this.entries++;
    (this.groups[source.group] as Group).bytes += ENTRY_BYTES;
    if (!value) return;
    source.values++;
    this.values++;
  }

  /** Room in the index: entries of texts that are gone are dropped first; false when it stays full. */
  private makeRoom(source: Source): boolean {
    const grows = this.index.size < this.entries_max;
    if (grows && this.entries > this.index.size * 0.75) return true;
    // Some more than one, since dropping entries goes through all of them.
    while (!grows && this.entries > this.entries_max * 0.875 && this.evict(source));
    if (this.entries === this.index.size) return grows;
    this.index.compact((id) => this.by_id.has(id));
    return true;
  }

  /** Puts out the oldest source of the group that holds most; false when that is the one that asks. */
  private evict(current: Source): boolean {
    let largest: Group | undefined;
    for (const group of this.groups) {
      if (group !== undefined && (largest === undefined || group.bytes > largest.bytes)) largest = group;
    }
    const oldest = largest?.queue[largest.head];
    if (largest === undefined || oldest === undefined || oldest === current) return false;
    largest.head++;
    if (largest.head * 2 > largest.queue.length) {
      largest.queue.splice(0, largest.head);
      largest.head = 0;
    }
    largest.bytes -= oldest.bytes + oldest.entries * ENTRY_BYTES;
    this.by_id.delete(oldest.id);
    this.overflowed?.delete(oldest);
    this.text_bytes -= oldest.bytes;
    this.entries -= oldest.entries;
    this.values -= oldest.values;
    this.counters.evicted_values += Math.max(1, oldest.values);
    return true;
  }

  /** How a part of a source stands in it, secrets masked; a passage is running text, wherever it stands. */
  place(source: Source, start: number, end: number, passage = false): Placed {
    const segment = segmentAt(source, start);
    const from = source.starts[segment] ?? 0;
    const to = segmentEnd(source, segment);
    const field = source.fields[segment] === true;
    if (field && !passage && start <= from && end >= to) return FIELD[source.encodings.length > 0 ? 1 : 0];
    if (this.placer?.source !== source || this.placer.segment !== segment) {
      this.placer = { source, segment, place: createPlacer(source.text.slice(from, to), field) };
    }
    const shown_end = Math.min(end, to, start + SENTENCE_VALUE_CHARS_MAX);
    const { occurrence, sentence } = this.placer.place(Math.max(0, start - from), shown_end - from);
    if (this.counters.work !== undefined) this.counters.work += PLACE_WORK;
    // What was hidden in an encoding is never an ordinary data field either.
    const ordinary = occurrence === 'field' && (passage || source.encodings.length > 0) ? 'text' : occurrence;
    return { occurrence: ordinary, sentence: shown(sentence, source.secrets) };
  }
}

function shown(sentence: string, secrets: readonly Secret[]): string {
  const masked = secrets.length === 0 ? sentence : maskSecrets(sentence, secrets);
  return masked.length > SENTENCE_SHOWN_CHARS_MAX ? `${masked.slice(0, SENTENCE_SHOWN_CHARS_MAX - 1)}…` : masked;
}

/** The number of the string that a place of a source lies in. */
export function segmentAt({ starts }: Source, place: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Where a string of a source ends. */
export function segmentEnd({ starts, text }: Source, segment: number): number {
  const next = starts[segment + 1];
  return next === undefined ? text.length : Math.min(text.length, next - 1);
}

function groupOf(server: string): number {
  let hash = 0;
  for (let at = 0; at < server.length; at++) hash = (Math.imul(hash, 31) + server.charCodeAt(at)) | 0;
  return (hash >>> 0) % GROUPS;
}
