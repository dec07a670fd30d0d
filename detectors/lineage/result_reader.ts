/** Takes a result into the store of sources: its values, identifiers, short fields, passages, secrets and what it hides. */
import { parameterRole } from '../catalog/destinations.ts';
import type { ContentView } from '../content/content_view.ts';
import { decodings } from './decode.ts';
import type { LineageCounters } from './edge.ts';
import { type ExtractedValue, extractValues } from './extract_values.ts';
import { identifierAt, identifierHash, urlIdentifier } from './identifiers.ts';
import { notePassages } from './passages.ts';
import type { PromptMemory } from './prompt_memory.ts';
import type { SecretStore } from './secret_store.ts';
import { createSecretFinder, extractSecrets, type Secret } from './secrets.ts';
import { isAgentSource, placeOf, type Source, type SourceFacts, type SourceStore, segmentEnd } from './source_store.ts';
import { mixed, TextScan, TOKEN } from './text_scan.ts';

/** The stores of a session that results are read into. */
export interface Stores {
  sources: SourceStore;
  secrets: SecretStore;
  prompts: PromptMemory;
  counters: LineageCounters;
}

const PLACES_PER_SOURCE_MAX = 4;
const SOURCES_PER_VALUE_MAX = 8;
/** A longer field's value is text. */
export const PHRASE_CHARS_MAX = 80;
const PHRASE_WORDS_MAX = 8;
const PHRASE_CHARS_MIN = 3;
/** Of one result, what may be encoded text. */
const ENCODED_CHARS_MAX = 131_072;
const ENCODED_TOKEN_CHARS_MIN = 24;
const HIDDEN_CHARS_MIN = 8;
const SECRETS_PER_RESULT_MAX = 256;
/** What belongs to a value may begin this far before its first token, and its next token lie this far on. */
const NEAR_CHARS = 24;

const NO_SECRETS: readonly Secret[] = [];
const BASE64_VALUE = /^[A-Za-z0-9+/]{8,1024}={0,2}$/;
const result_scan = new TextScan();

/** Reads a result. */
export function readResult(stores: Stores, facts: SourceFacts, content: ContentView): void {
  const { sources, counters } = stores;
  const source = sources.open(facts, content.segments, []);
  source.secrets = readSecrets(stores, facts, content);
  const scan = result_scan.scan(source.text);
  if (counters.work !== undefined) counters.work += source.text.length;
  noteValues(sources, source, scan);
  notePhrases(sources, source, scan);
  noteIdentifiers(sources, source, scan);
  notePassages(sources, source, scan);
  const encoded = encodedPartOf(source.text, scan);
  if (encoded !== '') readHidden(stores, facts, encoded, source.secrets);
}

/** Reads what a result holds encoded. */
function readHidden(stores: Stores, facts: SourceFacts, encoded: string, secrets: readonly Secret[]): void {
  const { sources, counters } = stores;
  for (const { text, encodings } of decodings(encoded)) {
    if (encodings.length === 0 || text.length < HIDDEN_CHARS_MIN) continue;
    const source = sources.open(facts, [{ key: '', text, field: false }], encodings);
    const hidden = extractSecrets(text);
    for (const secret of hidden) stores.secrets.add(secret, '', facts, stores.prompts.texts);
    source.secrets = hidden.length === 0 ? secrets : [...secrets, ...hidden].slice(-SECRETS_PER_RESULT_MAX);
    const scan = result_scan.scan(text);
    if (counters.work !== undefined) counters.work += text.length;
    noteValues(sources, source, scan);
    noteIdentifiers(sources, source, scan);
    notePassages(sources, source, scan);
  }
}

function readSecrets({ secrets, prompts }: Stores, facts: SourceFacts, content: ContentView): readonly Secret[] {
  const find = createSecretFinder(content.text);
  if (find === undefined) return NO_SECRETS;
  const all: Secret[] = [];
  for (const { text, key } of content.segments) {
    for (const secret of find(text, key)) {
      for (const each of unwrapped(secret)) {
        secrets.add(each, key, facts, prompts.texts);
        if (all.length < SECRETS_PER_RESULT_MAX) all.push(each);
      }
    }
  }
  return all;
}

/** A secret, and what it says where a field holds it in base64, as some configurations do. */
function unwrapped(secret: Secret): Secret[] {
  const { kind, value } = secret;
  if (!BASE64_VALUE.test(value)) return [secret];
  const inner = Buffer.from(value, 'base64').toString('latin1');
  return /^[\x21-\x7e]{6,}$/.test(inner) ? [secret, { kind, value: inner }] : [secret];
}

/** Notes the exact values. Each of them has a token that is more than a word, so only the places around these are read. */
function noteValues(store: SourceStore, source: Source, scan: TextScan): void {
  const { starts, keys } = source;
  let segment = 0;
  let read_to = 0;
  for (let token = 0; token < scan.tokens; ) {
    const start = scan.token_starts[token] as number;
    while (segment + 1 < starts.length && (starts[segment + 1] as number) <= start) segment++;
    const segment_end = segmentEnd(source, segment);
    let end = scan.token_ends[token++] as number;
    while (token < scan.tokens && (scan.token_starts[token] as number) < Math.min(segment_end, end + NEAR_CHARS)) {
      end = scan.token_ends[token++] as number;
    }
    if (end <= read_to) continue;
    const from = Math.max(read_to, starts[segment] as number, start - NEAR_CHARS);
    read_to = noteValuesBetween(store, source, keys[segment] as string, from, Math.min(end, segment_end));
  }
}

/** Yields how far it read: a URL goes on beyond its first token. */
function noteValuesBetween(store: SourceStore, source: Source, key: string, start: number, end: number): number {
  const { text } = source;
  let read_to = end;
  for (const value of extractValues(text, parameterRole(key), start, end)) {
    read_to = Math.max(read_to, value.end);
    note(store, source, valueHash(value), value.start, value.end);
    const url = value.kind === 'host' ? urlIdentifier(text, value.start, value.end) : undefined;
    if (url !== undefined) note(store, source, identifierHash(text, url.start, url.end), url.start, url.end);
  }
  return read_to;
}

function noteIdentifiers(store: SourceStore, source: Source, scan: TextScan): void {
  for (let token = 0; token < scan.tokens; token++) {
    const found = identifierAt(source.text, scan, token);
    if (found !== undefined)
      note(store, source, identifierHash(source.text, found.start, found.end), found.start, found.end);
  }
}

/** Notes the short fields, each as a whole. */
function notePhrases(store: SourceStore, source: Source, scan: TextScan): void {
  let word = 0;
  for (let segment = 0; segment < source.starts.length; segment++) {
    const start = source.starts[segment] as number;
    const end = segmentEnd(source, segment);
    while (word < scan.words && (scan.starts[word] as number) < start) word++;
    const first = word;
    while (word < scan.words && (scan.starts[word] as number) < end) word++;
    if (source.fields[segment] !== true || !isPhrase(word - first, end - start)) continue;
    note(store, source, phraseHash(scan, first, word - 1), start, end);
  }
}

/** Whether so many words and characters are a short value, and not none or a text. */
export function isPhrase(words: number, chars: number): boolean {
  return words > 0 && words <= PHRASE_WORDS_MAX && chars >= PHRASE_CHARS_MIN && chars <= PHRASE_CHARS_MAX;
}

/** Notes a place of a value, unless the agent used the value first or enough places are known. */
function note(store: SourceStore, source: Source, hash: number, start: number, end: number): void {
  const { index } = store;
  let places = 0;
  let others = 0;
  let last = -1;
  for (let at = index.first(hash); at >= 0; at = index.before(at)) {
    const id = index.sourceAt(at);
    if (id === source.id) {
      if (++places >= PLACES_PER_SOURCE_MAX) return;
    } else if (id !== last && store.get(id) !== undefined) {
      if (isAgentSource(id) || ++others >= SOURCES_PER_VALUE_MAX) return;
      last = id;
    }
  }
  store.add(source, hash, placeOf(start, end), true);
}

const VALUE_SEEDS = { email: 0x1b873593, host: 0x4cf5ad43, account: 0x2745937f, phone: 0x38b34ae5 } as const;
const PHRASE_SEED = 0x561ccd1b;

/** The hash of an exact value in its one spelling. */
export function valueHash({ kind, value }: ExtractedValue): number {
  let hash: number = VALUE_SEEDS[kind];
  for (let at = 0; at < value.length; at++) hash = Math.imul(hash ^ value.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

/** The hash of a run of words, from the first to the last. */
export function phraseHash({ hashes }: TextScan, first: number, last: number): number {
  let hash = PHRASE_SEED + last - first;
  for (let word = first; word <= last; word++) hash = mixed(Math.imul(hash, 31) ^ (hashes[word] as number));
  return hash;
}

/** The tokens of a result that look encoded, a line each. */
function encodedPartOf(text: string, scan: TextScan): string {
  if (!scan.encoded) return '';
  let part = '';
  for (let token = 0; token < scan.tokens && part.length < ENCODED_CHARS_MAX; token++) {
    const start = scan.token_starts[token] as number;
    const end = scan.token_ends[token] as number;
    const flags = scan.token_flags[token] as number;
    if ((flags & TOKEN.percent) === 0 && (end - start < ENCODED_TOKEN_CHARS_MIN || !looksEncoded(flags))) continue;
    const token_text = text.slice(start, Math.min(end, start + ENCODED_CHARS_MAX));
    if ((flags & TOKEN.percent) === 0 || /%[0-9A-Fa-f]{2}/.test(token_text)) part += `${token_text}\n`;
  }
  return part;
}

/** Base64 has letters of both cases and digits, hex has digits; neither has a dot or an @. */
function looksEncoded(flags: number): boolean {
  if ((flags & (TOKEN.dot | TOKEN.at)) !== 0 || (flags & TOKEN.digit) === 0) return false;
  const both = TOKEN.lower | TOKEN.upper;
  return (flags & both) === both || ((flags & both) !== 0 && (flags & TOKEN.slash) === 0);
}
