/** Finds, for the parameters of one call, which of a session's sources their values came from. */
import type { ToolProfile } from '../catalog/capability.ts';
import { type ParameterRole, parameterRoleIn } from '../catalog/destinations.ts';
import { holdsWord, wordSet, wordsOf } from '../catalog/words.ts';
import { digestOf } from '../finding_id.ts';
import { CarriedTexts, isLong } from './carried_texts.ts';
import { type Decoded, decodings, type Encoding } from './decode.ts';
import type { Edge, EdgeKind, EventRef } from './edge.ts';
import { type ExtractedValue, extractValues } from './extract_values.ts';
import { type Identifier, identifierAt, identifierHash, sameIdentifier, urlIdentifier } from './identifiers.ts';
import type { Leaf } from './leaves.ts';
import { hostOf, normaliseAccount, normalisePhone, previewOf } from './normalise.ts';
import { findPassages, noteOwnWords, type Passage } from './passages.ts';
import { previewOfIdentifier, previewOfPhrase, previewOfText, wordsIn } from './previews.ts';
import { isPhrase, phraseHash, type Stores, valueHash } from './result_reader.ts';
import { OCCURRENCES, type Placed } from './sentences.ts';
import { isAgentSource, placeEnd, placeStart, type Source, segmentAt, segmentEnd } from './source_store.ts';
import { share } from './split.ts';
import { identifierStrength, phraseStrength, textStrength, valueStrength } from './strength.ts';
import { TextScan } from './text_scan.ts';

/** What a call was found to carry. */
export interface CallRead {
  edges: Edge[];
  /** Whether a parameter that names a destination holds an address, or a host. */
  address: boolean;
  host: boolean;
}

const EDGES_PER_CALL_MAX = 500;
/** Characters that one call may have searched without the index. */
const SEARCH_CHARS_MAX = 2_097_152;
/** Of a passage, what its digest is taken of. */
const DIGESTED_CHARS_MAX = 2_048;
const PROMPT_SHARE_MIN = 0.6;
const NO_ROLE: ParameterRole = { destination: false, account: false, phone: false };
const NAME_FIELDS =
  wordSet(`name title subject label file filename folder id key ref reference number code slug sku handle
  username login channel project branch repository repo team group customer patient order invoice ticket case`);

const leaf_scan = new TextScan();
const hidden_scan = new TextScan();

/** The places of one value in one source. */
interface Finding {
  source: Source;
  placed: Placed;
  share: number;
  key: string;
}

export class CallReader {
  private readonly stores: Stores;
  private readonly carried: CarriedTexts;
  private calls = 0;
  // Of the call that is read:
  private to: EventRef = { log: '', seq: 0, event_id: '', server: '', tool: '' };
  private edges: Edge[] = [];
  private own: Source | undefined;
  private told = new Set<string>();
  private search_chars = 0;

  constructor(stores: Stores) {
    this.stores = stores;
    this.carried = new CarriedTexts(stores.sources, stores.counters);
  }

  get bytes(): number {
    return this.carried.bytes;
  }

  read(leaves: readonly Leaf[], to: EventRef, tool: ToolProfile): CallRead {
    this.calls++;
    this.to = to;
    this.edges = [];
    this.own = undefined;
    this.search_chars = SEARCH_CHARS_MAX;
    const use = { address: false, host: false };
    for (const leaf of leaves) {
      this.readLeaf(leaf, parameterRoleIn(tool, leaf.name, leaf.path), use);
    }
    if (this.full) this.stores.counters.truncated_texts++;
    return { edges: this.edges, ...use };
  }

  /** A call with so many values is told about by the first of them. */
  private get full(): boolean {
    return this.edges.length >= EDGES_PER_CALL_MAX;
  }

  private readLeaf(leaf: Leaf, role: ParameterRole, use: { address: boolean; host: boolean }): void {
    this.told.clear();
    const { secrets, counters } = this.stores;
    const scan = leaf_scan.scan(leaf.text);
    if (counters.work !== undefined) counters.work += leaf.text.length;
    const values = withDottedName(extractValues(leaf.text, role), leaf, role);
    if (role.destination) for (const { kind } of values) use[kind === 'host' ? 'host' : 'address'] = true;
    const texts = scan.encoded || secrets.size > 0 ? decodings(leaf.text) : undefined;
    if (texts !== undefined) {
      const sink = { leaf, to: this.to, destination: role.destination, call: this.calls };
      for (const edge of secrets.edgesTo(sink, texts)) if (!this.full) this.edges.push(edge);
    }
    this.readText(leaf, role, values, scan, NOT_ENCODED);
    for (const text of texts ?? []) if (text.encodings.length > 0) this.readHidden(leaf, text);
  }

  private readHidden(leaf: Leaf, { text, encodings }: Decoded): void {
    const { counters } = this.stores;
    const scan = hidden_scan.scan(text);
    if (counters.work !== undefined) counters.work += text.length;
    this.readText(leaf, NO_ROLE, extractValues(text), scan, encodings);
  }

  /** Reads the text of a parameter as it stands, or what it hides. */
  private readText(
    leaf: Leaf,
    role: ParameterRole,
    values: readonly ExtractedValue[],
    scan: TextScan,
    encodings: readonly Encoding[],
  ): void {
    const { sources, counters } = this.stores;
    const base = { path: leaf.path, destination: role.destination && encodings.length === 0, encodings };
    for (const value of values) this.addValue(base, value, scan.text);
    const passages = findPassages(sources, scan, counters);
    this.addTexts(base, scan, passages);
    const long = passages.length === 0 ? passages : passages.filter((passage) => isLong(scan.text, passage));
    const spans = long.length === 0 ? values : [...values, ...long].sort((one, other) => one.start - other.start);
    const whole = this.addIdentifiers(base, scan, spans, values);
    if (!whole) this.addPhrase(base, scan, leaf.name);
    if (encodings.length === 0) noteOwnWords(sources, this.ownSource, scan, passages);
  }

  /** What the agent brings itself in this call. */
  private readonly ownSource = (): Source => {
    this.own ??= this.stores.sources.openAgent();
    return this.own;
  };

  private addValue(base: Base, value: ExtractedValue, text: string): void {
    const hash = valueHash(value);
    const written = text.slice(value.start, value.end);
    const found = this.find(hash, base, written, (source, start, end) =>
      isSameValue(value, source.text.slice(start, end)),
    );
    if (found.length === 0) return;
    const { kind } = value;
    const in_prompt = this.stores.prompts.names(value);
    const strength = valueStrength(kind, found.length);
    const chars = value.end - value.start;
    this.push(base, kind, [kind, value.value], previewOf(kind, value.value), found, {
      strength,
      in_prompt,
      chars,
      parameter_share: share(chars, text.length),
    });
  }

  /** Adds the edges of identifiers outside of `spans`; true when one of anything is the whole text. */
  private addIdentifiers(
    base: Base,
    scan: TextScan,
    spans: readonly Span[],
    values: readonly ExtractedValue[],
  ): boolean {
    const { text } = scan;
    const first = scan.starts[0] as number;
    const last = scan.words === 0 ? 0 : (scan.ends[scan.words - 1] as number);
    let whole = spans.some(({ start, end }) => start <= first && end >= last);
    let span = 0; // the first that does not end before the token; they come in the order of the text
    for (let token = 0; token < scan.tokens; token++) {
      const found = identifierAt(text, scan, token);
      if (found === undefined) continue;
      while (span < spans.length && (spans[span] as Span).end <= found.start) span++;
      if (span < spans.length && (spans[span] as Span).start < found.end) continue;
      whole ||= found.start <= first && found.end >= last;
      this.addIdentifier(base, scan, found);
    }
    for (const { kind, start, end } of values) {
      const url = kind === 'host' ? urlIdentifier(text, start, end) : undefined;
      if (url !== undefined) this.addIdentifier(base, scan, url);
    }
    return whole;
  }

  private addIdentifier(base: Base, scan: TextScan, { form, start, end }: Identifier): void {
    const { text } = scan;
    const hash = identifierHash(text, start, end);
    const value = text.slice(start, end);
    const found = this.find(hash, base, value, (source, from, to) => {
      return to - from === end - start && sameIdentifier(source.text, from, text, start, end);
    });
    if (found.length === 0) return;
    if (this.stores.secrets.touches(value)) return;
    this.push(base, 'identifier', ['identifier', value.toLowerCase()], previewOfIdentifier(value, form), found, {
      strength: identifierStrength(form, value, found.length),
      in_prompt: this.isSaid(scan, start, end),
      chars: end - start,
      parameter_share: share(end - start, text.length),
    });
  }

  /** Adds the edges of a parameter that is as a whole the value of some field. */
  private addPhrase(base: Base, scan: TextScan, name: string): void {
    const text = scan.text.trim();
    if (!isPhrase(scan.words, text.length)) return;
    let words: string | undefined;
    const found = this.find(phraseHash(scan, 0, scan.words - 1), base, undefined, (source, start, end) => {
      words ??= wordsIn(text);
      return wordsIn(source.text.slice(start, end)) === words;
    });
    const key = found[0]?.key;
    if (key === undefined || this.stores.secrets.touches(text)) return;
    const is_name = /\p{L}/u.test(text) && holdsWord(wordsOf(key), NAME_FIELDS);
    const names = [name, ...found.map((each) => each.key)];
    this.push(base, is_name ? 'identifier' : 'value', ['value', words ?? ''], previewOfPhrase(text, names), found, {
      strength: phraseStrength(text, scan.words, is_name, found.length),
      in_prompt: this.stores.prompts.share(scan, 0, scan.words - 1) === 1,
      chars: text.length,
      parameter_share: 1,
    });
  }

  /**
   * The sources that hold a value, the earliest first. A value that nobody brought up is from now on the agent's own,
   * unless it came out of an encoding. `written` is looked for in texts that have more values than the index took in.
   */
  private find(hash: number, base: Base, written: string | undefined, isSame: IsSame): readonly Finding[] {
    const { sources } = this.stores;
    const { index } = sources;
    const found: Finding[] = [];
    let known = false;
    for (let at = index.first(hash); at >= 0; at = index.before(at)) {
      const source = sources.get(index.sourceAt(at));
      if (source === undefined) continue;
      known = true;
      if (this.full || isAgentSource(source.id)) return NOTHING_FOUND;
      const place = index.placeAt(at);
      if (isSame(source, placeStart(place), placeEnd(place)))
        this.addPlace(found, source, placeStart(place), placeEnd(place));
    }
    if (known) return found.reverse();
    if (written !== undefined) this.search(found, written);
    if (found.length === 0 && base.encodings.length === 0) sources.add(this.ownSource(), hash, 0, true);
    return found;
  }

  private search(found: Finding[], written: string): void {
    for (const source of this.stores.sources.overflowed ?? []) {
      if (this.full || this.search_chars < source.text.length) return;
      this.search_chars -= source.text.length;
      const at = source.text.indexOf(written);
      if (at >= 0) this.addPlace(found, source, at, at + written.length);
    }
  }

  /** Adds a place; of several in one source the most ordinary counts. */
  private addPlace(found: Finding[], source: Source, start: number, end: number): void {
    const placed = this.stores.sources.place(source, start, end);
    const earlier = found.find((each) => each.source === source);
    if (earlier === undefined) {
      const segment = segmentAt(source, start);
      const held = segmentEnd(source, segment) - (source.starts[segment] ?? 0);
      found.push({ source, placed, share: share(end - start, held), key: source.keys[segment] ?? '' });
    } else if (rank(placed) <= rank(earlier.placed)) earlier.placed = placed;
  }

  /** Whether the user said the words between two places. */
  private isSaid(scan: TextScan, start: number, end: number): boolean {
    const first = scan.wordFrom(start);
    let last = first;
    while (last < scan.words && (scan.ends[last] as number) <= end) last++;
    return last > first && this.stores.prompts.share(scan, first, last - 1) === 1;
  }

  /** Adds the edges of passages, one for each source, and of pieces that add up. */
  private addTexts(base: Base, scan: TextScan, passages: readonly Passage[]): void {
    const { sources, prompts } = this.stores;
    for (const { source, best, chars, source_share, split } of this.carried.read(scan, passages, this.calls)) {
      const text = scan.text.slice(best.start, best.end);
      const placed = sources.place(source, best.source_start, best.source_end, true);
      const key = source.keys[segmentAt(source, best.source_start)] ?? '';
      const digested = ['text', wordsIn(text.slice(0, DIGESTED_CHARS_MAX))];
      this.push(base, 'text', digested, previewOfText(text, source), [{ source, placed, key, share: source_share }], {
        strength: textStrength(split?.chars ?? chars),
        in_prompt: prompts.share(scan, best.first, best.last) >= PROMPT_SHARE_MIN,
        chars,
        parameter_share: share(chars, scan.text.length),
        ...(split !== undefined && { split }),
      });
    }
  }

  private push(
    base: Base,
    kind: EdgeKind,
    digested: readonly string[],
    preview: string,
    found: readonly Finding[],
    rest: Pick<Edge, 'strength' | 'in_prompt' | 'chars' | 'parameter_share' | 'split'>,
  ): void {
    const digest = digestOf(digested);
    for (const { source, placed, key: field, share: source_share } of found) {
      // The same value may be found twice, as it stands and under one encoding more.
      const told = `${kind}${digest}${source.ref.event_id}`;
      if (this.full || this.told.has(told)) continue;
      this.told.add(told);
      const { ref: from, untrusted, sensitivity, memory_store } = source;
      this.edges.push({
        from,
        to: this.to,
        path: base.path,
        destination: base.destination,
        kind,
        digest,
        preview,
        occurrence: placed.occurrence,
        sentence: placed.sentence,
        in_prompt: rest.in_prompt,
        encodings: base.encodings.length > 0 ? base.encodings : source.encodings,
        strength: rest.strength,
        chars: rest.chars,
        source_share,
        parameter_share: rest.parameter_share,
        field,
        untrusted,
        sensitivity,
        ...(memory_store !== undefined && { memory_store }),
        ...(rest.split !== undefined && { split: rest.split }),
      });
    }
  }
}

type IsSame = (source: Source, start: number, end: number) => boolean;

interface Base {
  path: string;
  destination: boolean;
  encodings: readonly Encoding[];
}

interface Span {
  start: number;
  end: number;
}

const NOT_ENCODED: readonly Encoding[] = [];
const NOTHING_FOUND: readonly Finding[] = [];

function rank(placed: Placed): number {
  return OCCURRENCES.indexOf(placed.occurrence);
}

/** Whether what stands in a source is a value in one of its spellings. */
function isSameValue({ kind, value }: ExtractedValue, written: string): boolean {
  if (kind === 'account') return normaliseAccount(written) === value;
  if (kind === 'phone') return normalisePhone(written) === value;
  if (kind === 'email') return written.toLowerCase() === value;
  return written.toLowerCase() === value || hostOf(written) === value;
}

/** A dotted name in a destination parameter is a host even if its ending is one that text does not use for hosts. */
function withDottedName(found: readonly ExtractedValue[], leaf: Leaf, role: ParameterRole): readonly ExtractedValue[] {
  if (!role.destination || found.length > 0 || !/^(?:url|uri|host|hostname|domain|endpoint)$/i.test(leaf.name))
    return found;
  const name = leaf.text.trim();
  if (name.length > 253 || !/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}$/i.test(name)) return found;
  return [{ kind: 'host', value: name.toLowerCase().replace(/^www\./, ''), start: 0, end: name.length }];
}
