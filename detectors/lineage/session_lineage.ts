/**
 * What is known of the values of one session: which the user named, which came out of which result and how they stood
 * there, and which the agent brought itself. For each call it yields the edges from those results to its parameters.
 */
import type { ProvenanceEvent, ToolDefinition } from '../../core/event.ts';
import { type CallProfile, type Catalog, profileCall, type ToolProfile } from '../catalog/capabilities.ts';
import { parameterRole } from '../catalog/destinations.ts';
import { digestOf } from '../finding_id.ts';
import type { Edge, EventRef, LineageCounters } from './edge.ts';
import { type ExtractedValue, extractValues } from './extract_values.ts';
import { type Leaf, leavesOf } from './leaves.ts';
import { previewOf } from './normalise.ts';
import { createSecretStore } from './secret_store.ts';
import { createSecretFinder, maskSecrets, type Secret } from './secrets.ts';
import { segmentsOf } from './segments.ts';
import { createPlacer, OCCURRENCES, type Occurrence } from './sentences.ts';

export interface LineageLimits {
  lineage_values_per_session_max: number;
  lineage_text_bytes_max: number;
}

export interface LineageStep {
  edges: Edge[];
  call?: CallProfile;
}

export interface SessionLineage {
  /** Takes in the next event of the session, in log order. */
  observe(event: ProvenanceEvent): LineageStep;
}

interface Source {
  ref: EventRef;
  occurrence: Occurrence;
  sentence: string;
}

interface KnownValue {
  sources: Source[];
  /** The agent used it before any result held it, so a result only echoes it. */
  from_agent: boolean;
}

const SOURCES_PER_VALUE_MAX = 8;
const SENTENCE_SHOWN_CHARS_MAX = 240;
const PROMPT_CHARS_MAX = 65_536;
const DEFINITIONS_MAX = 4_000;
const NOTHING: LineageStep = { edges: [] };

/** An empty lineage for one session. */
export function createSessionLineage(
  catalog: Catalog,
  limits: LineageLimits,
  counters: LineageCounters,
): SessionLineage {
  const values = new Map<string, KnownValue>();
  const prompted = new Set<string>();
  const prompts: string[] = [];
  const tools = new Map<string, ToolProfile>();
  const secrets = createSecretStore(counters);

  function makeRoom(): void {
    if (values.size + prompted.size < limits.lineage_values_per_session_max) return;
    // What the user named is kept longest: without it an ordinary call would look strange.
    const oldest = values.keys().next().value ?? prompted.keys().next().value;
    if (oldest === undefined) return;
    if (!values.delete(oldest)) prompted.delete(oldest);
    counters.evicted_values++;
  }

  function readPrompt(content: string): void {
    const text = cut(content, limits.lineage_text_bytes_max, counters);
    if (prompts.includes(text)) return;
    prompts.push(text);
    let held = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
    while (prompts.length > 1 && held > PROMPT_CHARS_MAX) held -= (prompts.shift() ?? '').length;
    secrets.seePrompt(text);
    for (const found of extractValues(text, { account: true, phone: true })) {
      for (const key of promptKeys(found)) {
        if (prompted.has(key)) continue;
        makeRoom();
        prompted.add(key);
      }
    }
  }

  function readResult(event: ProvenanceEvent, content: string): void {
    const ref = refOf(event);
    const text = cut(content, limits.lineage_text_bytes_max, counters);
    const findSecrets = createSecretFinder(text);
    for (const segment of segmentsOf(text)) {
      const found_secrets = findSecrets?.(segment.text, segment.key) ?? [];
      for (const secret of found_secrets) secrets.add(secret, ref, prompts);
      const found = extractValues(segment.text, parameterRole(segment.key));
      if (found.length === 0) continue;
      const place = createPlacer(segment.text, segment.field);
      for (const value of found) {
        const { occurrence, sentence } = place(value.start, value.end);
        note(keyOf(value), { ref, occurrence, sentence: shown(sentence, found_secrets) });
      }
    }
  }

  function note(key: string, source: Source): void {
    const known = values.get(key);
    if (known === undefined) {
      makeRoom();
      values.set(key, { sources: [source], from_agent: false });
      return;
    }
    if (known.from_agent) return;
    const same = known.sources.find((earlier) => earlier.ref.event_id === source.ref.event_id);
    if (same === undefined) addSource(known.sources, source);
    else if (rank(source) < rank(same))
      Object.assign(same, { occurrence: source.occurrence, sentence: source.sentence });
  }

  function readCall(event: ProvenanceEvent): LineageStep {
    const to = refOf(event);
    const tool = tools.get(toolKey(to.server, to.tool)) ?? catalog.profile(to.server, to.tool);
    const { leaves, truncated } = leavesOf(event.params ?? {}, limits.lineage_text_bytes_max);
    if (truncated) counters.truncated_texts++;
    const edges: Edge[] = [];
    const use = { address: false, host: false };
    for (const leaf of leaves) {
      const role = parameterRole(leaf.name);
      const found = extractValues(leaf.text, role);
      if (role.destination) {
        addDottedName(found, leaf);
        for (const value of found) use[value.kind === 'host' ? 'host' : 'address'] = true;
      }
      for (const value of found) addValueEdges(edges, value, leaf, role.destination, to);
      for (const edge of secrets.edgesTo(leaf, to, role.destination)) edges.push(edge);
    }
    return { edges, call: profileCall(tool, use) };
  }

  function addValueEdges(edges: Edge[], value: ExtractedValue, leaf: Leaf, destination: boolean, to: EventRef): void {
    const key = keyOf(value);
    const known = values.get(key);
    if (known === undefined) {
      makeRoom();
      values.set(key, { sources: [], from_agent: true });
      return;
    }
    if (known.from_agent || known.sources.length === 0) return;
    const digest = digestOf([value.kind, value.value]);
    const preview = previewOf(value.kind, value.value);
    const in_prompt = namedInPrompt(value, prompted, prompts);
    for (const { ref: from, occurrence, sentence } of known.sources) {
      edges.push({
        from,
        to,
        path: leaf.path,
        destination,
        kind: value.kind,
        digest,
        preview,
        occurrence,
        sentence,
        in_prompt,
        encodings: [],
      });
    }
  }

  function readDefinitions(server: string, definitions: readonly ToolDefinition[]): void {
    for (const definition of definitions) {
      if (tools.size >= DEFINITIONS_MAX) return;
      tools.set(toolKey(server, definition.name), catalog.profile(server, definition.name, definition));
    }
  }

  return {
    observe(event) {
      if (event.type === 'tool.call') return readCall(event);
      if (event.tools !== undefined) readDefinitions(event.server ?? '', event.tools);
      if (event.content === undefined || event.content === '') return NOTHING;
      if (event.type === 'prompt') readPrompt(event.content);
      else if (event.type === 'tool.result' || event.type === 'resource.read') readResult(event, event.content);
      return NOTHING;
    },
  };
}

/** The head and the tail of a text that is too long to be searched whole. */
function cut(text: string, bytes_max: number, counters: LineageCounters): string {
  if (text.length <= bytes_max) return text;
  counters.truncated_texts++;
  const tail = Math.floor(bytes_max / 4);
  return `${text.slice(0, bytes_max - tail)}\n${text.slice(-tail)}`;
}

function shown(sentence: string, found: readonly Secret[]): string {
  const masked = found.length === 0 ? sentence : maskSecrets(sentence, found);
  return masked.length > SENTENCE_SHOWN_CHARS_MAX ? `${masked.slice(0, SENTENCE_SHOWN_CHARS_MAX - 1)}…` : masked;
}

/** Keeps the first sources; when they are full, a more ordinary one replaces the least ordinary. */
function addSource(sources: Source[], source: Source): void {
  if (sources.length < SOURCES_PER_VALUE_MAX) {
    sources.push(source);
    return;
  }
  const least = sources.findLastIndex((earlier) => rank(earlier) > rank(source));
  if (least > 0) sources[least] = source;
}

function rank(source: Source): number {
  return OCCURRENCES.indexOf(source.occurrence);
}

function refOf(event: ProvenanceEvent): EventRef {
  const { log, seq, event_id } = event;
  return { log, seq, event_id, server: event.server ?? '', tool: event.tool ?? event.type };
}

function toolKey(server: string, tool: string): string {
  return `${server}\u0000${tool}`;
}

function keyOf(value: ExtractedValue): string {
  return `${value.kind}:${value.value}`;
}

/** Bare digits in a prompt may be an account or a phone number: the user need not say which. */
function promptKeys(found: ExtractedValue): string[] {
  if (found.kind !== 'phone' && found.kind !== 'account') return [keyOf(found)];
  return [keyOf(found), `account:${found.value}`, `phone:${found.value.slice(-10)}`];
}

/** A dotted name in a destination parameter is a host even if its ending is one that text does not use for hosts. */
function addDottedName(found: ExtractedValue[], leaf: Leaf): void {
  const name = leaf.text.trim();
  if (found.length > 0 || !/^(?:url|uri|host|hostname|domain|endpoint)$/i.test(leaf.name)) return;
  if (/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}$/i.test(name) && name.length <= 253) {
    found.push({ kind: 'host', value: name.toLowerCase().replace(/^www\./, ''), start: 0, end: name.length });
  }
}

/** Whether the user named a value, its host or a domain above it, or the exact handle of an address. */
function namedInPrompt(value: ExtractedValue, prompted: ReadonlySet<string>, prompts: readonly string[]): boolean {
  if (prompted.has(keyOf(value))) return true;
  if (value.kind === 'host') return domainNamed(value.value, prompted);
  if (value.kind !== 'email') return false;
  const [handle = '', domain = ''] = value.value.split('@');
  if (domainNamed(domain, prompted)) return true;
  // A plain first name is no handle: anybody can put it before an @ of his own.
  const spellings = /[._\d-]/.test(handle) ? [handle, `@${handle}`] : [`@${handle}`];
  return prompts.some((prompt) => spellings.some((spelling) => holdsToken(prompt.toLowerCase(), spelling)));
}

function domainNamed(host: string, prompted: ReadonlySet<string>): boolean {
  const labels = host.split('.');
  return labels.some((_, at) => at < labels.length - 1 && prompted.has(`host:${labels.slice(at).join('.')}`));
}

function holdsToken(text: string, token: string): boolean {
  const part = /[\w.@-]/;
  for (let at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + 1)) {
    const after = text.slice(at + token.length, at + token.length + 2);
    if (!part.test(text.charAt(at - 1)) && !/^(?:[\w@-]|\.\w)/.test(after)) return true;
  }
  return false;
}
