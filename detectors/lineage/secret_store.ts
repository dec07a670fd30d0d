/**
 * The secrets of one session: where each was read, whether the user's prompt held it, and where it goes, whole or in
 * pieces. A parameter is gone through once, whatever the number of secrets.
 */
import type { Decoded, Encoding } from './decode.ts';
import type { Edge, EventRef, LineageCounters } from './edge.ts';
import { HashIndex } from './hash_index.ts';
import type { Leaf } from './leaves.ts';
import { maskSecret, type Secret, secretDigest } from './secrets.ts';
import type { SourceFacts } from './source_store.ts';
import { Pieces, share } from './split.ts';
import { mixed } from './text_scan.ts';

const SECRETS_MAX = 256;
const SECRETS_CHARS_MAX = 65_536; // of all of them
/** A shorter secret counts only as a whole word, since a part of some other word may look the same. */
const WORD_CHARS_MAX = 12;
/** Four characters of a secret, by which it and its pieces are found; of a long one not from every place. */
const GRAM = 4;
const GRAMS_MAX = 16_384;
const GRAMS_PER_SECRET_MAX = 256;
const DENSE_CHARS_MAX = 32;
/** A shorter piece has to be a word of its own. */
const PIECE_CHARS_MIN = 6;
/** The pieces of a secret must add up to this share of it. */
const COVERAGE_MIN = 0.9;
/** Secrets that are tried at one place; those that begin alike are told apart further on. */
const CANDIDATES_MAX = 8;
/** Pieces of one secret in one text. */
const RUNS_MAX = 16;
const BYTES_EACH = 600;

interface KnownSecret extends Secret {
  id: number;
  from: SourceFacts;
  field: string;
  in_prompt: boolean;
  pieces?: Pieces;
}

/** A stretch of a parameter that stands in a secret. */
interface Run {
  secret: KnownSecret;
  from: number;
  to: number;
  /** In the parameter. */
  at: number;
}

/** A call's parameter that may hold secrets. */
export interface SecretSink {
  leaf: Leaf;
  to: EventRef;
  destination: boolean;
  /** The number of the call in the session. */
  call: number;
}

const NO_EDGES: readonly Edge[] = [];

/** Raw secrets stay inside it. */
export class SecretStore {
  private readonly counters: LineageCounters;
  private readonly grams = new HashIndex();
  // Made with the first secret, since few sessions have any.
  private by_value: Map<string, KnownSecret> | undefined;
  private by_id: Map<number, KnownSecret> | undefined;
  private added = 0;
  private chars = 0;

  constructor(counters: LineageCounters) {
    this.counters = counters;
  }

  get size(): number {
    return this.by_value?.size ?? 0;
  }

  get bytes(): number {
    return this.chars * 2 + this.size * BYTES_EACH + this.grams.bytes;
  }

  /** Notes where a secret was read first. */
  add(secret: Secret, field: string, from: SourceFacts, prompts: readonly string[]): void {
    this.by_value ??= new Map();
    this.by_id ??= new Map();
    const { value, kind } = secret;
    if (this.by_value.has(value)) return;
    while (this.size > 0 && (this.size >= SECRETS_MAX || this.chars + value.length > SECRETS_CHARS_MAX))
      this.forgetOldest();
    const in_prompt = prompts.some((prompt) => prompt.includes(value));
    const known: KnownSecret = { kind, value, id: this.added++, from, field, in_prompt };
    this.by_value.set(value, known);
    this.by_id.set(known.id, known);
    this.chars += value.length;
    this.noteGrams(known);
  }

  /** A secret that the user types is no news to the user. */
  seePrompt(text: string): void {
    for (const secret of this.by_value?.values() ?? []) secret.in_prompt ||= text.includes(secret.value);
  }

  /** Whether a value that is not taken for a secret is a part of one, or holds one. */
  touches(value: string): boolean {
    for (const secret of this.by_value?.keys() ?? []) {
      if (secret.includes(value) || value.includes(secret)) return true;
    }
    return false;
  }

  /** The edges of the secrets that a parameter holds or completes, plain or encoded. */
  edgesTo(sink: SecretSink, texts: readonly Decoded[]): readonly Edge[] {
    if (this.size === 0) return NO_EDGES;
    const edges: Edge[] = [];
    const told = new Set<number>();
    for (const { text, encodings } of texts) {
      for (const form of formsOf(text)) {
        for (const run of this.runsIn(form)) {
          const { secret } = run;
          const whole = run.from === 0 && run.to === secret.value.length;
          if (told.has(secret.id) || (whole ? isInWord(form, run) : !isPiece(form, run))) continue;
          if (!whole && !completes(run, sink.call)) continue;
          told.add(secret.id);
          edges.push(edgeOf(run, sink, encodings, whole));
        }
      }
    }
    return edges;
  }

  /** The runs that a text shares with secrets: of each, the whole or its pieces. */
  private runsIn(text: string): Run[] {
    const by_secret = new Map<number, Run[]>();
    if (this.counters.work !== undefined) this.counters.work += text.length;
    for (let at = 0; at + GRAM <= text.length; at++) {
      let candidates = 0;
      let entry = this.grams.first(gramAt(text, at));
      for (; entry >= 0 && candidates < CANDIDATES_MAX; entry = this.grams.before(entry)) {
        candidates++;
        const secret = this.by_id?.get(this.grams.sourceAt(entry));
        if (secret === undefined) continue;
        const runs = by_secret.get(secret.id);
        const last = runs?.[runs.length - 1];
        if (last !== undefined && at < last.at + last.to - last.from) continue; // within the run before
        const run = runAround(text, at, secret, this.grams.placeAt(entry));
        if (run === undefined) continue;
        if (runs === undefined) by_secret.set(secret.id, [run]);
        else if (isNewRun(runs, run)) runs.push(run);
      }
    }
    return [...by_secret.values()].flat();
  }

  private noteGrams({ id, value }: KnownSecret): void {
    const stride = value.length <= DENSE_CHARS_MAX ? 1 : GRAM;
    const count = Math.min(GRAMS_PER_SECRET_MAX, Math.floor((value.length - GRAM) / stride) + 1);
    while (this.grams.size + count > GRAMS_MAX) {
      this.grams.compact((known) => this.by_id?.has(known) === true);
      if (this.grams.size + count > GRAMS_MAX) this.forgetOldest();
    }
    for (let at = 0; at < count; at++) this.grams.add(gramAt(value, at * stride), id, at * stride);
  }

  private forgetOldest(): void {
    for (const [value, oldest] of this.by_value ?? []) {
      this.by_value?.delete(value);
      this.by_id?.delete(oldest.id);
      this.chars -= value.length;
      this.counters.evicted_values++;
      return;
    }
  }
}

/** Notes a piece; whether it is the one that makes the pieces so far nearly all of the secret. */
function completes({ secret, from, to }: Run, call: number): boolean {
  secret.pieces ??= new Pieces();
  if (secret.pieces.add(call, from, to) === 0) return false;
  return secret.pieces.around(from, secret.value.length).chars >= secret.value.length * COVERAGE_MIN;
}

/** Whether a run adds to those before it; of a text that repeats itself only so many are kept. */
function isNewRun(runs: readonly Run[], { from, to, secret }: Run): boolean {
  const whole = from === 0 && to === secret.value.length;
  return whole || (runs.length < RUNS_MAX && !runs.some((run) => run.from <= from && run.to >= to));
}

function gramAt(text: string, at: number): number {
  const low = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8);
  const high = text.charCodeAt(at + 2) | (text.charCodeAt(at + 3) << 8);
  return mixed(low ^ (high << 16));
}

function runAround(text: string, at: number, secret: KnownSecret, place: number): Run | undefined {
  const { value } = secret;
  let from = place;
  let start = at;
  while (from > 0 && start > 0 && value.charCodeAt(from - 1) === text.charCodeAt(start - 1)) {
    from--;
    start--;
  }
  let to = place;
  for (let next = at; to < value.length && value.charCodeAt(to) === text.charCodeAt(next); next++) to++;
  return to - from < GRAM ? undefined : { secret, from, to, at: start };
}

/** Whether a short secret stands inside a longer word. */
function isInWord(text: string, { secret, at }: Run): boolean {
  return secret.value.length < WORD_CHARS_MAX && !isWord(text, at, at + secret.value.length);
}

function isPiece(text: string, { at, from, to }: Run): boolean {
  return to - from >= PIECE_CHARS_MIN || isWord(text, at, at + to - from);
}

function isWord(text: string, start: number, end: number): boolean {
  return !/\w/.test(text.charAt(start - 1)) && !/\w/.test(text.charAt(end));
}

/** A key's body may be wrapped at any width, so the text is also searched without its white space. */
function formsOf(text: string): string[] {
  return /\s/.test(text) ? [text, text.replace(/\s+/g, '')] : [text];
}

function edgeOf(run: Run, sink: SecretSink, encodings: readonly Encoding[], whole: boolean): Edge {
  const { secret } = run;
  const { ref, untrusted, memory_store } = secret.from;
  const chars = run.to - run.from;
  const edge: Edge = {
    from: ref,
    to: sink.to,
    path: sink.leaf.path,
    destination: sink.destination && encodings.length === 0,
    kind: 'secret',
    digest: secretDigest(secret),
    preview: maskSecret(secret),
    occurrence: 'field',
    sentence: '',
    in_prompt: secret.in_prompt,
    encodings,
    strength: 1,
    chars,
    source_share: share(chars, secret.value.length),
    parameter_share: share(chars, sink.leaf.text.length),
    field: secret.field,
    untrusted,
    sensitivity: 'secret',
  };
  if (memory_store !== undefined) edge.memory_store = memory_store;
  const sum = whole ? undefined : secret.pieces?.around(run.from, secret.value.length);
  if (sum !== undefined) {
    edge.split = {
      calls: sum.calls,
      chars: sum.chars,
      coverage: share(sum.chars, secret.value.length),
    };
  }
  return edge;
}
