/** What the correlator of delegation chains wants to see of an event: what was read, handed on, asked for and sent. */
import type { ProvenanceEvent } from '../../core/event.ts';
import { bucketOf } from '../buckets.ts';
import type { CallProfile } from '../catalog/capabilities.ts';
import type { Extract, ExtractContext } from '../detector.ts';
import { type Edge, type EventRef, refOf } from '../lineage/edge.ts';
import { callDigests, parameterDigests, shortDigest, textDigests } from '../lineage/memory_digests.ts';
import { type Chain, chainOf, handsOver } from './chain.ts';
import {
  type ParameterDigest,
  type PlacedDigest,
  parameterValues,
  placedDigests,
  secretDigests,
} from './chain_digests.ts';

/** What an agent read, or handed on after it had read it. */
export interface Source {
  values: PlacedDigest[];
  secrets: string[];
  passages: number[];
  untrusted: boolean;
  sensitive: boolean;
  /** Whether it gives an order. */
  order: boolean;
  /** The result that was read; the observation's own event is the call that handed it on, where there was one. */
  from: EventRef;
}

export interface Sink {
  values: ParameterDigest[];
  passages: number[];
  egress: boolean;
  fetch: boolean;
  acts: boolean;
}

/** Of the chain `id`; `ids` are all chains of the event. */
export type ChainBody = { id: string; ids: string[] } & ChainFact;

type ChainFact =
  | ({ kind: 'source' } & Source)
  | { kind: 'asked'; values: string[] }
  | { kind: 'task'; passages: number[] }
  | ({ kind: 'sink' } & Sink);

const BUCKETS = 512;
const VALUES_MAX = 24;
const PASSAGES_MAX = 64;
const PER_CALL_MAX = 8;
/** A weaker edge is a common word. */
const STRENGTH_MIN = 0.5;
const ACTING = ['destructive', 'exec', 'auth', 'persist'] as const;

/** The observations of an event, one for each chain that it may belong to. */
export function observeChain(event: ProvenanceEvent, context: ExtractContext): Extract<ChainBody>[] {
  const chain = chainOf(event);
  if (event.type === 'tool.call') return [...handedOn(event, context, chain), ...sent(event, context, chain)];
  if (!chain.marked || context.content === undefined) return [];
  if (event.type !== 'prompt') return readBy(event, context, chain);
  const { values, passages } = textDigests(context.content.text);
  if (!chain.child) return values.length === 0 ? [] : under(chain, { kind: 'asked', values });
  return passages.length === 0 ? [] : under(chain, { kind: 'task', passages: passages.slice(0, PASSAGES_MAX) });
}

/** One extract for each chain of the event. */
function under({ ids }: Chain, fact: ChainFact, transient = false): Extract<ChainBody>[] {
  return ids.map((id) => ({
    key: bucketOf(id, BUCKETS),
    body: { ...fact, id, ids },
    ...(transient && { transient: true as const }),
  }));
}

/** A result that an agent of a chain read, where it holds what should not travel on unseen. */
function readBy(
  event: ProvenanceEvent,
  { call: profile, content }: ExtractContext,
  chain: Chain,
): Extract<ChainBody>[] {
  if (content === undefined) return [];
  const untrusted = profile?.capabilities.has('untrusted_source') === true || event.type === 'resource.read';
  const sensitive = readsSensitive(event, profile);
  const secrets = secretDigests(content.text);
  if (!untrusted && !sensitive && secrets.length === 0) return [];
  const values = placedDigests(content);
  const { passages } = textDigests(content.text);
  const order = values.some(({ occurrence }) => occurrence === 'instruction');
  const from = refOf(event);
  const kept = passages.slice(0, PASSAGES_MAX);
  return under(chain, { kind: 'source', values, secrets, passages: kept, untrusted, sensitive, order, from });
}

/** What a call hands to another agent of what was read in this session, and what of it the user had named. */
function handedOn(event: ProvenanceEvent, context: ExtractContext, chain: Chain): Extract<ChainBody>[] {
  const { edges, call: profile } = context;
  const { server = '', tool = '' } = event;
  if (!handsOver(server, tool) && profile?.capabilities.has('unknown') !== true) return [];
  const by_result = new Map<string, Edge[]>();
  for (const edge of edges) {
    if (edge.in_prompt || !(edge.untrusted || isSensitive(edge) || edge.kind === 'secret')) continue;
    const of_result = by_result.get(edge.from.event_id);
    if (of_result !== undefined) of_result.push(edge);
    else if (by_result.size < PER_CALL_MAX) by_result.set(edge.from.event_id, [edge]);
  }
  const sources = [...by_result.values()].flatMap((of_result) => under(chain, handedSource(event, of_result)));
  if (chain.child) return sources;
  const said = (context.origins ?? []).filter(({ origin }) => origin === 'prompt').map(({ path }) => path);
  const values = new Set(parameterDigests(event, new Set(said)).values);
  for (const { in_prompt, digest } of edges) if (in_prompt) values.add(shortDigest(digest));
  return values.size === 0 ? sources : [...under(chain, { kind: 'asked', values: [...values] }), ...sources];
}

function handedSource(event: ProvenanceEvent, edges: readonly Edge[]): ChainFact {
  const exact = edges.filter(({ kind, strength }) => kind !== 'text' && strength >= STRENGTH_MIN).slice(0, VALUES_MAX);
  const texts = edges.filter(({ kind }) => kind === 'text');
  const { passages } = parameterDigests(event, new Set(texts.map(({ path }) => path)));
  return {
    kind: 'source',
    values: exact.map(({ digest, occurrence }) => ({ digest: shortDigest(digest), occurrence })),
    secrets: exact.filter(({ kind }) => kind === 'secret').map(({ digest }) => shortDigest(digest)),
    passages: passages.slice(0, PASSAGES_MAX),
    untrusted: edges.some((edge) => edge.untrusted),
    sensitive: edges.some(isSensitive),
    order: edges.some(({ occurrence }) => occurrence === 'instruction'),
    from: (edges[0] as Edge).from,
  };
}

function isSensitive({ sensitivity }: Edge): boolean {
  return sensitivity === 'confidential' || sensitivity === 'secret';
}

/** What a call sends or does: all that it holds where its agent was given a task, else what other agents answered. */
function sent(event: ProvenanceEvent, { edges, call: profile }: ExtractContext, chain: Chain): Extract<ChainBody>[] {
  if (profile === undefined || handsOver(event.server ?? '', event.tool ?? '')) return [];
  const acts = ACTING.some((each) => profile.capabilities.has(each));
  if (!profile.egress && !acts && !profile.capabilities.has('write')) return [];
  const held = chain.child ? ownParameters(event, profile) : answered(event, edges, chain);
  if (held.values.length === 0 && held.passages.length === 0 && !chain.child) return [];
  const { egress, fetch } = profile;
  const passages = held.passages.slice(0, PASSAGES_MAX);
  return under(chain, { kind: 'sink', values: held.values, passages, egress, fetch, acts }, true);
}

function ownParameters(event: ProvenanceEvent, profile: CallProfile): Pick<Sink, 'values' | 'passages'> {
  return { values: parameterValues(event, profile), passages: callDigests(event).passages };
}

function answered(event: ProvenanceEvent, edges: readonly Edge[], chain: Chain): Pick<Sink, 'values' | 'passages'> {
  const from_agents = edges.filter(
    ({ from, in_prompt }) => !in_prompt && (chain.marked || handsOver(from.server, from.tool)),
  );
  const exact = from_agents.filter(({ kind, strength }) => kind !== 'text' && strength >= STRENGTH_MIN);
  const values = exact.slice(0, VALUES_MAX).map(({ digest, path, preview, destination }) => ({
    digest: shortDigest(digest),
    path,
    preview,
    destination,
  }));
  const texts = from_agents.filter(({ kind }) => kind === 'text').map(({ path }) => path);
  return { values, passages: parameterDigests(event, new Set(texts)).passages };
}

/** Whether a result is more than internal, by its tool and its data sources. */
function readsSensitive(event: ProvenanceEvent, profile: CallProfile | undefined): boolean {
  const read = (['sensitive_read', 'secret_read'] as const).some((each) => profile?.capabilities.has(each));
  const named = [profile?.sensitivity, ...(event.data_sources ?? []).map(({ sensitivity }) => sensitivity)];
  return read || named.includes('confidential') || named.includes('secret');
}
