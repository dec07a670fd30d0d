/**
 * What was written into a memory, or read from one, as digests: enough to tell in a later session that a value or a
 * passage came from there, and nothing that could be read. Pure, and bounded whatever the text.
 */
import type { ProvenanceEvent } from '../../core/event.ts';
import type { CallProfile } from '../catalog/capabilities.ts';
import type { ContentView } from '../content/content_view.ts';
import { digestOf } from '../finding_id.ts';
import { extractValues } from './extract_values.ts';
import { identifierAt } from './identifiers.ts';
import { leavesOf } from './leaves.ts';
import { winnow } from './passages.ts';
import { extractSecrets, secretDigest } from './secrets.ts';
import { TextScan } from './text_scan.ts';

/** Small and plain, so that it can be the body of an observation. */
export interface TextDigests {
  /** The beginnings of SHA-256 digests of exact values, identifiers and secrets; those of edges begin alike. */
  values: string[];
  /** Hashes of three words in a row, thinned; of a long text the smallest, so that two texts keep the same ones. */
  passages: number[];
  /** Characters of the text. */
  chars: number;
}

/** A write into a memory, or a read from one. */
export interface MemoryUse {
  /** The name of the memory; the server's where the event names none. */
  store: string;
  action: 'write' | 'read';
  digests: TextDigests;
}

/** What two texts have in common. */
export interface SharedDigests {
  /** Digests that both hold. */
  values: string[];
  /** Passages that both hold, and their share of those of the smaller text. */
  passages: number;
  share: number;
}

const TEXT_CHARS_MAX = 65_536;
const VALUES_MAX = 64;
const PASSAGES_MAX = 256;
const DIGEST_CHARS = 16;
const NO_HINT = { account: true, phone: true };

const memory_scan = new TextScan();

/** What an event does to a memory; undefined when it does nothing. The answer to a write is no read. */
export function memoryUseOf(
  event: ProvenanceEvent,
  context: { call?: CallProfile; content?: ContentView },
): MemoryUse | undefined {
  const named = event.rest.memory_store;
  const writes = context.call?.capabilities.has('memory_write') === true;
  const store = typeof named === 'string' ? named : writes ? (event.server ?? '') : undefined;
  if (store === undefined) return undefined;
  if (event.type === 'tool.call') {
    // A call to a named memory that only reads carries the question, which is kept nowhere.
    if (!writes && context.call?.verb === 'read') return undefined;
    const { leaves } = leavesOf(event.params ?? {}, TEXT_CHARS_MAX);
    return { store, action: 'write', digests: textDigests(leaves.map((leaf) => leaf.text).join('\n')) };
  }
  if (writes || (event.type !== 'tool.result' && event.type !== 'resource.read')) return undefined;
  const text = context.content?.text ?? event.content;
  return text === undefined ? undefined : { store, action: 'read', digests: textDigests(text) };
}

/** The digests of a text's values and passages. */
export function textDigests(whole: string): TextDigests {
  const text = whole.slice(0, TEXT_CHARS_MAX);
  const values = new Set<string>();
  const add = (digest: string): void => {
    if (values.size < VALUES_MAX) values.add(digest.slice(0, DIGEST_CHARS));
  };
  for (const secret of extractSecrets(text)) add(secretDigest(secret));
  for (const { kind, value } of extractValues(text, NO_HINT)) add(digestOf([kind, value]));
  const scan = memory_scan.scan(text);
  for (let token = 0; token < scan.tokens && values.size < VALUES_MAX; token++) {
    const found = identifierAt(text, scan, token);
    if (found !== undefined) add(digestOf(['identifier', text.slice(found.start, found.end).toLowerCase()]));
  }
  const passages = new Set<number>();
  winnow(scan, (hash) => passages.add(hash >>> 0));
  const smallest = [...passages].sort((one, other) => one - other).slice(0, PASSAGES_MAX);
  return { values: [...values], passages: smallest, chars: whole.length };
}

/** What two texts share, by their digests. */
export function sharedDigests(one: TextDigests, other: TextDigests): SharedDigests {
  const known = new Set(one.values);
  const values = other.values.filter((digest) => known.has(digest));
  const passages = sharedPassages(one.passages, other.passages);
  const smaller = Math.min(one.passages.length, other.passages.length);
  return { values, passages, share: smaller === 0 ? 0 : passages / smaller };
}

/** Both lists are in order. Above the end of a full list nothing can be said, so only what lies below counts. */
function sharedPassages(one: readonly number[], other: readonly number[]): number {
  const known = new Set(one);
  return other.filter((hash) => known.has(hash)).length;
}
