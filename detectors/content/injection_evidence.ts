/**
 * How much speaks for a text being addressed to the model that reads it. The signs are counted by families that do not
 * follow from one another, within a stretch of text that one person could have slipped in: a long document has one
 * sign here and another there without meaning anything by it.
 */
import { extractSecrets, maskSecrets } from '../lineage/secrets.ts';
import { isInstruction } from '../lineage/sentences.ts';
import type { ContentView } from './content_view.ts';
import { findFrames } from './frames.ts';
import { FAMILIES, type Family, findSigns, type Sign } from './injection_patterns.ts';
import { HIDING_SIGHTS, type Hidden, type NormalisedText, normaliseText } from './normalise_text.ts';
import { rememberLast } from './remember_last.ts';
import { lastScan, scanWords, type WordScan } from './scan_words.ts';

export interface Quote {
  /** As it may be shown: short, secrets masked. */
  text: string;
  /** Its place in the text of the view. */
  start: number;
  end: number;
}

export interface InjectionEvidence {
  /** The weights of the families added up: from 3 on it is weak evidence, from 6 or 7 on strong. */
  readonly score: number;
  readonly families: readonly Family[];
  readonly quotes: readonly Quote[];
  /** Each family's weight, 1 to 4. */
  readonly weights: Readonly<Partial<Record<Family, number>>>;
}

/** What the shared pass saw in a text; what costs more is found when it is first asked for. */
export interface TextSights {
  /** Bits of `SIGHT`. */
  readonly sights: number;
  /** Bits of the vocabulary's first bank. */
  readonly classes: number;
  /** Numbers of five digits and more, the first of them. */
  readonly numbers: readonly number[];
  /** Starts and ends of runs of letters and digits, the first of them. */
  readonly randoms: readonly number[];
  /** Where words stand that name secrets, the first of them. */
  readonly secrets: readonly number[];
  readonly evidence: InjectionEvidence;
  /** What is hidden, when anything may be. */
  readonly normalised: NormalisedText | undefined;
}

const NOTHING: InjectionEvidence = { score: 0, families: [], quotes: [], weights: {} };
const BUCKET_CHARS = 512;
/** Neighbouring buckets that count together. */
const BUCKETS_TOGETHER = 3;
const QUOTES_MAX = 3;
const QUOTE_CHARS_MAX = 160;
const QUOTE_LEAD_CHARS = 20;
/** Hidden text may hide text in turn. */
const DEPTH_MAX = 2;
/** Hidden passages of one text that are judged. */
const PASSAGES_MAX = 64;
/** Characters that show nothing, a quote least of all. */
const INVISIBLE = /\p{Cf}|\p{Variation_Selector}|\u034f|\u115f|\u1160|\u3164|\uffa0/gu;

/** Everything that the detectors of content share, found in one pass over the text of a view. */
export const sightsOf: (view: ContentView) => TextSights = rememberLast(
  (view: ContentView) => new TextReading(view.text, 0),
);

/** The evidence that a text addresses the model. */
export function injectionEvidence(view: ContentView): InjectionEvidence {
  return sightsOf(view).evidence;
}

class TextReading implements TextSights {
  readonly sights: number;
  readonly classes: number;
  readonly numbers: readonly number[];
  readonly randoms: readonly number[];
  readonly secrets: readonly number[];
  private readonly text: string;
  private readonly depth: number;
  private found: InjectionEvidence | undefined;
  private read: NormalisedText | undefined;

  constructor(text: string, depth: number) {
    const scan = scanWords(text);
    this.text = text;
    this.depth = depth;
    this.sights = scan.sights;
    this.classes = scan.classes;
    this.numbers = scan.numbers;
    this.randoms = scan.randoms;
    this.secrets = scan.secrets;
  }

  get normalised(): NormalisedText | undefined {
    if ((this.sights & HIDING_SIGHTS) === 0) return undefined;
    this.read ??= normaliseText(this.text, scanAgain(this.text));
    return this.read;
  }

  get evidence(): InjectionEvidence {
    this.found ??= this.weighed();
    return this.found;
  }

  private weighed(): InjectionEvidence {
    const { text, depth } = this;
    const scan = scanAgain(text);
    let signs = findSigns(scan, text);
    const frames = findFrames(text, scan);
    const { normalised } = this;
    if (normalised !== undefined) signs = addHidden(signs, normalised, text, depth);
    for (const frame of frames) signs.push(frame);
    return signs.length === 0 ? NOTHING : weigh(signs, text, depth);
  }
}

/** The scan of a text, which most often is the last one made. */
function scanAgain(text: string): WordScan {
  return lastScan.text === text ? lastScan : scanWords(text);
}

/** Adds what only shows once hidden text is read. */
function addHidden(signs: Sign[], normalised: NormalisedText, text: string, depth: number): Sign[] {
  let all = signs;
  if (normalised.text !== text) {
    const plain = scanWords(normalised.text);
    const found = findSigns(plain, normalised.text);
    // Words that were split or forged are read only now.
    const news = found.length - signs.length;
    all = found.map((sign) => ({ ...sign, start: normalised.origin(sign.start), end: normalised.origin(sign.end) }));
    if (news > 0) {
      for (const sign of all.slice())
        if (sign.weight >= 2 && isAmid(sign, normalised.hidden)) all.push({ ...sign, family: 'hidden', weight: 3 });
    }
  }
  if (depth >= DEPTH_MAX) return all;
  for (const passage of normalised.hidden.slice(0, PASSAGES_MAX)) addPassage(all, passage, depth);
  return all;
}

function isAmid({ start, end }: Sign, hidden: readonly Hidden[]): boolean {
  return hidden.some((passage) => passage.start < end && passage.end > start);
}

/** A passage that says something to the model is a sign, and so is what it says. */
function addPassage(signs: Sign[], { way, start, end, text }: Hidden, depth: number): void {
  if (text.length < 8 || way === 'look_alikes') return;
  const inner = new TextReading(text, depth + 1).evidence;
  // Nobody writes readable text in invisible characters for another reason; a comment or an encoded text is ordinary.
  const covert = way === 'tag_characters' || way === 'variation_selectors' || way === 'zero_width';
  if (covert ? /[A-Za-z]{3}/.test(text) : inner.score >= 2) {
    const orders = isInstruction(text.slice(0, 600));
    signs.push({ family: 'hidden', weight: covert || inner.score >= 4 ? 4 : orders ? 3 : 2, start, end, says: text });
  }
  for (const family of inner.families)
    signs.push({ family, weight: inner.weights[family] ?? 1, start, end, says: text });
}

/** The stretch whose families weigh most. */
function weigh(signs: Sign[], text: string, depth: number): InjectionEvidence {
  signs.sort((a, b) => a.start - b.start);
  let best: Sign[] = [];
  let best_score = 0;
  let from = 0;
  for (let to = 0; to < signs.length; to++) {
    const bucket = bucketOf(signs[to]);
    if (to + 1 < signs.length && bucketOf(signs[to + 1]) === bucket) continue;
    while (bucketOf(signs[from]) <= bucket - BUCKETS_TOGETHER) from++;
    const score = strongest(signs, from, to).reduce((sum, sign) => sum + sign.weight, 0);
    if (score > best_score) {
      best_score = score;
      best = strongest(signs, from, to);
    }
  }
  const weights: Partial<Record<Family, number>> = {};
  for (const sign of best) weights[sign.family] = sign.weight;
  const families = FAMILIES.filter((family) => weights[family] !== undefined);
  let quotes: Quote[] | undefined;
  return {
    score: best_score,
    families,
    weights,
    // Most evidence is too weak to be told.
    get quotes() {
      quotes ??= depth === 0 ? quotesOf(best, text) : [];
      return quotes;
    },
  };
}

function bucketOf(sign: Sign | undefined): number {
  return Math.floor((sign?.start ?? 0) / BUCKET_CHARS);
}

/** Of each family the heaviest sign among some. */
function strongest(signs: readonly Sign[], from: number, to: number): Sign[] {
  const by_family = new Map<Family, Sign>();
  for (let at = from; at <= to; at++) {
    const sign = signs[at];
    if (sign !== undefined && sign.weight > (by_family.get(sign.family)?.weight ?? 0)) by_family.set(sign.family, sign);
  }
  return [...by_family.values()];
}

/** The heaviest signs with a few words around them, in the order of the text. */
function quotesOf(signs: readonly Sign[], text: string): Quote[] {
  const quotes: Quote[] = [];
  for (const sign of [...signs].sort((a, b) => b.weight - a.weight)) {
    if (quotes.length >= QUOTES_MAX) break;
    if (quotes.some((quote) => sign.start < quote.end && sign.end > quote.start)) continue;
    const { start, end, says } = sign;
    quotes.push(says === undefined ? quoteOf(text, start, end) : { ...quoteOf(says, 0, QUOTE_CHARS_MAX), start, end });
  }
  return quotes.sort((a, b) => a.start - b.start);
}

/** A place of a text as it may be shown. */
export function quoteOf(text: string, from: number, to: number): Quote {
  const start = wordStart(text, Math.max(0, from - QUOTE_LEAD_CHARS), from);
  const end = wordEnd(text, Math.min(Math.max(to, start + 60), start + QUOTE_CHARS_MAX), start + QUOTE_CHARS_MAX + 40);
  // A secret is looked for around the quote as well, so that half of it is not shown.
  const around = text.slice(Math.max(0, start - 300), end + 300);
  const masked = maskSecrets(text.slice(start, end), extractSecrets(around));
  const clean = masked
    .replace(/\\[nrt]|[\s\u0000-\u001f]+/g, ' ')
    .replace(INVISIBLE, '')
    .replace(/ {2,}/g, ' ')
    .trim();
  return { text: clean, start, end };
}

function wordStart(text: string, at: number, before: number): number {
  if (at === 0) return 0;
  let start = at;
  while (start < before && !/\s/.test(text.charAt(start - 1))) start++;
  return start;
}

function wordEnd(text: string, at: number, limit: number): number {
  let end = Math.min(at, text.length);
  while (end < text.length && end < limit && !/\s/.test(text.charAt(end))) end++;
  return end;
}
