/**
 * What was written into a memory, or read from one, as digests: enough to tell in a later session that a value or a
 * passage came from there, and nothing that could be read. Pure, and bounded whatever the text.
 */
import type { ProvenanceEvent } from '../../core/event.ts';
import type { CallProfile } from '../catalog/capabilities.ts';
import type { ContentView } from '../content/content_view.ts';
import { digestOf } from '../finding_id.ts';
import type { Edge } from './edge.ts';
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
/** Three words in a row may be chance; two such runs apart are not. */
const SHARED_PASSAGES_MIN = 2;
/** Names of servers and tools that keep what later sessions read; not those that tell of a machine's memory. */
const MEMORY_NAME =
  /(?:^|[^a-z])(?:memor(?:y|ies)(?![\s_-]*(?:usage|use|stat|limit|info|leak|dump|load))|remember|recall|mem0|openmemory)/i;
const NO_HINT = { account: true, phone: true };

const memory_scan = new TextScan();

/** Which memory an event writes to or reads from; undefined when it does neither. The answer to a write is no read. */
export function memoryAccessOf(
  event: ProvenanceEvent,
  call: CallProfile | undefined,
): { store: string; action: 'write' | 'read' } | undefined {
  const named = event.rest.memory_store;
  const writes = call?.capabilities.has('memory_write') === true;
  const known = writes || namesMemory(event.server ?? '', event.tool ?? '');
  const store = typeof named === 'string' ? named : known ? (event.server ?? '') : undefined;
  if (store === undefined) return undefined;
  // A call to a memory that only reads carries the question, which is kept nowhere.
  if (event.type === 'tool.call') {
    return writes || (typeof named === 'string' && call?.verb !== 'read') ? { store, action: 'write' } : undefined;
  }
  if (writes || (event.type !== 'tool.result' && event.type !== 'resource.read')) return undefined;
  return { store, action: 'read' };
}

/** The memory that an edge's value was read from: by its name, or by the server's where only the names say so. */
export function memoryOfEdge({ memory_store, from }: Pick<Edge, 'memory_store' | 'from'>): string | undefined {
  return memory_store ?? (namesMemory(from.server, from.tool) ? from.server : undefined);
}

function namesMemory(server: string, tool: string): boolean {
  return MEMORY_NAME.test(server) || MEMORY_NAME.test(tool);
}

/** What an event does to a memory, with the digests of what it writes or reads. */
export function memoryUseOf(
  event: ProvenanceEvent,
  context: { call?: CallProfile; content?: ContentView },
): MemoryUse | undefined {
  const access = memoryAccessOf(event, context.call);
  if (access === undefined) return undefined;
  if (access.action === 'write') {
    return { ...access, digests: callDigests(event) };
  }
  const text = context.content?.text ?? event.content;
  return text === undefined ? undefined : { ...access, digests: textDigests(text) };
}

/** The beginning of a digest, as it stands among the values of a text. */
export function shortDigest(digest: string): string {
  return digest.slice(0, DIGEST_CHARS);
}

/** The digests of a text's values and passages. */
export function textDigests(whole: string): TextDigests {
  const text = whole.slice(0, TEXT_CHARS_MAX);
  const values = new Set<string>();
  const add = (digest: string): void => {
    if (values.size < VALUES_MAX) values.add(shortDigest(digest));
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

/** The digests of all that a call holds. */
export function callDigests(event: ProvenanceEvent): TextDigests {
  const { leaves } = leavesOf(event.params ?? {}, TEXT_CHARS_MAX);
  return textDigests(leaves.map((leaf) => leaf.text).join('\n'));
}

/** The digests of what stands in some parameters of a call. */
export function parameterDigests(event: ProvenanceEvent, paths: ReadonlySet<string>): TextDigests {
  if (paths.size === 0) return { values: [], passages: [], chars: 0 };
  const { leaves } = leavesOf(event.params ?? {}, TEXT_CHARS_MAX);
  const texts = leaves.filter(({ path }) => paths.has(path)).map(({ text }) => text);
  return textDigests(texts.join('\n'));
}

/** Whether a text holds a value of another, or passages of it; of one that has fewer than two passages, each. */
export function sharesDigests(
  one: Pick<TextDigests, 'values' | 'passages'>,
  other: Pick<TextDigests, 'values' | 'passages'>,
): boolean {
  if (other.values.some((value) => one.values.includes(value))) return true;
  const least = Math.min(SHARED_PASSAGES_MIN, one.passages.length, other.passages.length);
  return least > 0 && sharedPassages(one.passages, other.passages) >= least;
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
