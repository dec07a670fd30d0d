/** What the user said in a session: which values, and which words in a row, so that a call's can be told from it. */
import type { LineageCounters } from './edge.ts';
import { type ExtractedValue, extractValues } from './extract_values.ts';
import { HashSet } from './hash_set.ts';
import { mixed, TextScan } from './text_scan.ts';

/** Of the texts themselves; values and words are taken from all of a prompt. */
const PROMPT_CHARS_MAX = 65_536;
/** Hashes of one, two and three words in a row. */
const GRAMS_MAX = 32_000;
const VALUES_MAX = 2_000;
const VALUE_BYTES = 120;

const prompt_scan = new TextScan();

export class PromptMemory {
  /** The latest prompts as they are. */
  readonly texts: string[] = [];
  private readonly lowered: string[] = [];
  private readonly values = new Set<string>();
  private readonly grams = new HashSet();
  private readonly counters: LineageCounters;
  private held = 0;

  constructor(counters: LineageCounters) {
    this.counters = counters;
  }

  get bytes(): number {
    return this.held * 4 + this.values.size * VALUE_BYTES + this.grams.bytes;
  }

  /** Takes in a prompt; false when it is known. */
  see(text: string): boolean {
    const kept = text.length > PROMPT_CHARS_MAX ? text.slice(0, PROMPT_CHARS_MAX) : text;
    if (this.texts.includes(kept)) return false;
    this.texts.push(kept);
    this.lowered.push(kept.toLowerCase());
    this.held += kept.length;
    while (this.texts.length > 1 && this.held > PROMPT_CHARS_MAX) {
      this.held -= (this.texts.shift() ?? '').length;
      this.lowered.shift();
    }
    for (const found of extractValues(text, { account: true, phone: true })) {
      for (const key of promptKeys(found)) this.keep(key);
    }
    const { hashes, words } = prompt_scan.scan(text);
    if (this.counters.work !== undefined) this.counters.work += text.length;
    for (let at = 0; at < words; at++) {
      for (let count = 1; count <= 3 && at + count <= words; count++) {
        if (this.grams.size >= GRAMS_MAX) this.forgetGrams();
        this.grams.add(gramAt(hashes, at, count));
      }
    }
    return true;
  }

  private keep(key: string): void {
    if (this.values.has(key)) return;
    if (this.values.size >= VALUES_MAX) {
      for (const oldest of this.values) {
        this.values.delete(oldest);
        this.counters.evicted_values++;
        break;
      }
    }
    this.values.add(key);
  }

  private forgetGrams(): void {
    this.counters.evicted_values += this.grams.size;
    this.grams.clear();
  }

  /** Whether the user named a value, its host or a domain above it, or the exact handle of an address. */
  names(value: ExtractedValue): boolean {
    if (this.values.has(keyOf(value))) return true;
    if (value.kind === 'host') return this.namesDomain(value.value);
    if (value.kind !== 'email') return false;
    const [handle = '', domain = ''] = value.value.split('@');
    if (this.namesDomain(domain)) return true;
    // A plain first name is no handle: anybody can put it before an @ of his own.
    const spellings = /[._\d-]/.test(handle) ? [handle, `@${handle}`] : [`@${handle}`];
    return this.lowered.some((prompt) => spellings.some((spelling) => holdsToken(prompt, spelling)));
  }

  private namesDomain(host: string): boolean {
    for (let dot = host.indexOf('.'), from = 0; dot >= 0; from = dot + 1, dot = host.indexOf('.', from)) {
      if (this.values.has(`host:${host.slice(from)}`)) return true;
    }
    return false;
  }

  /** The share of a run of words that the user said, from none to all of them. */
  share({ hashes }: TextScan, first: number, last: number): number {
    const words = last - first + 1;
    if (words < 1 || this.grams.size === 0) return 0;
    const count = Math.min(words, 3);
    if (words <= 3) return this.grams.has(gramAt(hashes, first, count)) ? 1 : 0;
    let said = 0;
    let covered = first - 1;
    for (let at = first; at + count - 1 <= last; at++) {
      if (!this.grams.has(gramAt(hashes, at, count))) continue;
      said += at + count - 1 - Math.max(covered, at - 1);
      covered = at + count - 1;
    }
    return said / words;
  }
}

function gramAt(hashes: Int32Array, at: number, count: number): number {
  let gram = count;
  for (let next = at; next < at + count; next++) gram = mixed(Math.imul(gram, 31) ^ (hashes[next] as number));
  return gram;
}

/** The name of a value among others of its kind. */
export function keyOf(value: ExtractedValue): string {
  return `${value.kind}:${value.value}`;
}

/** Bare digits in a prompt may be an account or a phone number: the user need not say which. */
function promptKeys(found: ExtractedValue): string[] {
  if (found.kind !== 'phone' && found.kind !== 'account') return [keyOf(found)];
  return [keyOf(found), `account:${found.value}`, `phone:${found.value.slice(-10)}`];
}

function holdsToken(text: string, token: string): boolean {
  const part = /[\w.@-]/;
  for (let at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + 1)) {
    const after = text.slice(at + token.length, at + token.length + 2);
    if (!part.test(text.charAt(at - 1)) && !/^(?:[\w@-]|\.\w)/.test(after)) return true;
  }
  return false;
}
