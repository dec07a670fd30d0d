/**
 * What is known of the values of one session: which the user named, which came out of which result and how they stood
 * there, and which the agent brought itself. For each call it yields the edges from those results to its parameters.
 * Results are read when the next call comes, so a result that nothing follows costs nothing.
 *
 * The work of an event is linear in its text, which is cut to `lineage_text_bytes_max`: some two dozen looks at each
 * character, and for each edge, of which a call has 500 at most, a look at a few thousand characters around its source.
 * The memory of a session stays below `lineage_session_bytes_max`. Both are tested by counting.
 */
import type { ProvenanceEvent, ToolDefinition } from '../../core/event.ts';
import { type CallProfile, type Catalog, profileCall } from '../catalog/capabilities.ts';
import { SENSITIVITIES, type ToolProfile } from '../catalog/capability.ts';
import type { ToolBook } from '../catalog/tool_book.ts';
import type { ContentView } from '../content/content_view.ts';
import { CallReader } from './call_reader.ts';
import { type Edge, type LineageCounters, moreSensitive, type Origin, refOf, type SourceSensitivity } from './edge.ts';
import { type Leaf, leavesOf } from './leaves.ts';
import { originsOf } from './origins.ts';
import { PromptMemory } from './prompt_memory.ts';
import { readResult, type Stores } from './result_reader.ts';
import { SecretStore } from './secret_store.ts';
import { type SourceFacts, SourceStore, type StoreLimits } from './source_store.ts';

export interface LineageLimits extends StoreLimits {
  lineage_text_bytes_max: number;
}

export interface LineageStep {
  edges: Edge[];
  /** What the call can do; on a result, that of its call. */
  call?: CallProfile | undefined;
  definition?: ToolDefinition | undefined;
  /** The same, or where this session saw none, as an earlier session of the tenant did. */
  described?: ToolDefinition | undefined;
  /** Where each parameter of a call came from; worked out when first asked for. */
  origins?: readonly Origin[] | undefined;
}

export interface SessionLineage {
  /** Takes in the next event of the session, with its content taken apart. */
  observe(event: ProvenanceEvent, content: ContentView | undefined): LineageStep;
  /** What the session holds in memory, definitions of tools included. */
  readonly bytes: number;
}

interface KnownTool {
  /** Judged when the tool is first used. */
  profile: ToolProfile | undefined;
  definition: ToolDefinition;
  bytes: number;
}

interface KnownCall {
  profile: CallProfile;
  sensitivity: SourceSensitivity;
}

interface Pending {
  facts: SourceFacts;
  content: ContentView;
}

const DEFINITION_BYTES = 300; // besides its texts
const CALLS_KEPT_MAX = 64;
const CALL_BYTES = 300;
/** Results that wait to be read; above either they are read at once. */
const PENDING_CHARS_MAX = 32_768;
const PENDING_BYTES_PER_CHAR = 8; // a result that was taken apart into many small strings
const PENDING_MAX = 32;
const NOTHING: LineageStep = { edges: [] };

/** An empty lineage for one session. */
export function createSessionLineage(
  catalog: Catalog,
  limits: LineageLimits,
  counters: LineageCounters,
  book?: ToolBook,
): SessionLineage {
  return new Lineage(catalog, limits, counters, book);
}

class Lineage implements SessionLineage {
  private readonly catalog: Catalog;
  private readonly book: ToolBook | undefined;
  private readonly limits: LineageLimits;
  private readonly stores: Stores;
  private readonly reader: CallReader;
  private tools: Map<string, KnownTool> | undefined;
  private definition_bytes = 0;
  /** The latest calls, by their ids, or by server and tool. */
  private calls: Map<string, KnownCall> | undefined;
  private pending: Pending[] = [];
  private pending_chars = 0;

  constructor(catalog: Catalog, limits: LineageLimits, counters: LineageCounters, book: ToolBook | undefined) {
    this.catalog = catalog;
    this.book = book;
    this.limits = limits;
    this.stores = {
      sources: new SourceStore(limits, counters),
      secrets: new SecretStore(counters),
      prompts: new PromptMemory(counters),
      counters,
    };
    this.reader = new CallReader(this.stores);
  }

  get bytes(): number {
    const { sources, secrets, prompts } = this.stores;
    const calls = (this.calls?.size ?? 0) * CALL_BYTES;
    const held = sources.bytes + secrets.bytes + prompts.bytes + this.reader.bytes;
    return held + calls + this.definition_bytes + this.pending_chars * PENDING_BYTES_PER_CHAR;
  }

  observe(event: ProvenanceEvent, content: ContentView | undefined): LineageStep {
    switch (event.type) {
      case 'tool.call':
        return this.readCall(event);
      case 'tool.result':
        return this.keepResult(event, content);
      case 'resource.read':
        if (content !== undefined) this.keep(event, content, undefined);
        return NOTHING;
      case 'prompt':
        if (content !== undefined && this.stores.prompts.see(content.text)) this.stores.secrets.seePrompt(content.text);
        return NOTHING;
      default:
        if (event.tools !== undefined) this.readDefinitions(event.server ?? '', event.tools);
        return NOTHING;
    }
  }

  private readCall(event: ProvenanceEvent): LineageStep {
    const { counters, prompts, sources } = this.stores;
    const steps = sources.index.steps;
    this.readPending();
    const to = refOf(event);
    const { leaves, truncated } = leavesOf(event.params ?? {}, this.limits.lineage_text_bytes_max);
    if (truncated) counters.truncated_texts++;
    const tool = this.profileOf(event);
    const { edges, address, host } = this.reader.read(leaves, to, tool);
    const definition = this.tools?.get(toolKey(to.server, to.tool))?.definition;
    const call = profileCall(tool, { address, host });
    this.keepCall(event, { profile: call, sensitivity: sensitivityOf(event) });
    if (counters.work !== undefined) counters.work += sources.index.steps - steps;
    const described = definition ?? this.book?.find(event)?.definition;
    return new CallStep(edges, call, definition, described, leaves, prompts);
  }

  private keepCall(event: ProvenanceEvent, known: KnownCall): void {
    this.calls ??= new Map();
    const key = callKey(event);
    this.calls.delete(key);
    this.calls.set(key, known);
    if (this.calls.size <= CALLS_KEPT_MAX) return;
    for (const oldest of this.calls.keys()) {
      this.calls.delete(oldest);
      return;
    }
  }

  private keepResult(event: ProvenanceEvent, content: ContentView | undefined): LineageStep {
    const known = this.calls?.get(callKey(event));
    if (content !== undefined) this.keep(event, content, known);
    const definition = this.tools?.get(toolKey(event.server ?? '', event.tool ?? ''))?.definition;
    if (known === undefined && definition === undefined) return NOTHING;
    return { edges: [], call: known?.profile, definition };
  }

  private keep(event: ProvenanceEvent, content: ContentView, known: KnownCall | undefined): void {
    this.pending.push({ facts: this.factsOf(event, known), content });
    this.pending_chars += content.text.length;
    if (this.pending_chars > PENDING_CHARS_MAX || this.pending.length > PENDING_MAX) this.readPending();
  }

  private readPending(): void {
    if (this.pending.length === 0) return;
    const due = this.pending;
    this.pending = [];
    this.pending_chars = 0;
    for (const { facts, content } of due) readResult(this.stores, facts, content);
  }

  private factsOf(event: ProvenanceEvent, known: KnownCall | undefined): SourceFacts {
    const tool = event.tool === undefined ? undefined : this.profileOf(event);
    let sensitivity = moreSensitive(known?.sensitivity ?? 'unknown', sensitivityOf(event));
    if (tool?.sensitivity !== undefined) sensitivity = moreSensitive(sensitivity, tool.sensitivity);
    if (tool?.capabilities.has('sensitive_read')) sensitivity = moreSensitive(sensitivity, 'confidential');
    if (tool?.capabilities.has('secret_read')) sensitivity = 'secret';
    const { memory_store } = event.rest;
    return {
      ref: refOf(event),
      // What a server serves as a resource is a document, whoever wrote it.
      untrusted: tool?.capabilities.has('untrusted_source') === true || event.type === 'resource.read',
      sensitivity,
      memory_store: typeof memory_store === 'string' ? memory_store : undefined,
    };
  }

  private profileOf(event: ProvenanceEvent): ToolProfile {
    const { server = '', tool = '', tenant } = event;
    const known = this.tools?.get(toolKey(server, tool)) ?? this.book?.find(event);
    if (known === undefined) return this.catalog.profile(server, tool, undefined, tenant);
    known.profile ??= this.catalog.profile(server, tool, known.definition, tenant);
    return known.profile;
  }

  /** Keeps the definitions of tools while there is room for them. */
  private readDefinitions(server: string, definitions: readonly ToolDefinition[]): void {
    this.tools ??= new Map();
    const bytes_max = this.limits.lineage_session_bytes_max / 12;
    for (const definition of definitions) {
      const key = toolKey(server, definition.name);
      this.definition_bytes -= this.tools.get(key)?.bytes ?? 0;
      this.tools.delete(key);
      const left = bytes_max - this.definition_bytes - DEFINITION_BYTES;
      const bytes = DEFINITION_BYTES + sizeOf(definition, left);
      if (bytes > left) {
        this.stores.counters.evicted_values++;
        continue;
      }
      this.definition_bytes += bytes;
      this.tools.set(key, { profile: undefined, definition, bytes });
    }
  }
}

class CallStep implements LineageStep {
  readonly edges: Edge[];
  readonly call: CallProfile;
  readonly definition: ToolDefinition | undefined;
  readonly described: ToolDefinition | undefined;
  private readonly leaves: readonly Leaf[];
  private readonly prompts: PromptMemory;
  private known_origins: readonly Origin[] | undefined;

  constructor(
    edges: Edge[],
    call: CallProfile,
    definition: ToolDefinition | undefined,
    described: ToolDefinition | undefined,
    leaves: readonly Leaf[],
    prompts: PromptMemory,
  ) {
    this.edges = edges;
    this.call = call;
    this.definition = definition;
    this.described = described;
    this.leaves = leaves;
    this.prompts = prompts;
  }

  get origins(): readonly Origin[] {
    this.known_origins ??= originsOf(this.leaves, this.edges, this.prompts);
    return this.known_origins;
  }
}

/** Bytes of what JSON a value holds, or more than `bytes_max` as soon as it is more. */
function sizeOf(value: unknown, bytes_max: number): number {
  let bytes = 0;
  const stack: unknown[] = [value];
  while (stack.length > 0 && bytes <= bytes_max) {
    const next = stack.pop();
    bytes += 16;
    if (typeof next === 'string') bytes += next.length * 2;
    else if (typeof next === 'object' && next !== null) {
      for (const [key, child] of Object.entries(next)) {
        bytes += key.length * 2 + 16;
        stack.push(child);
      }
    }
  }
  return bytes;
}

/** The greatest sensitivity of the data sources that an event names. */
function sensitivityOf({ data_sources }: ProvenanceEvent): SourceSensitivity {
  let greatest: SourceSensitivity = 'unknown';
  for (const { sensitivity } of data_sources ?? []) {
    const named = SENSITIVITIES.find((each) => each === sensitivity);
    if (named !== undefined) greatest = moreSensitive(greatest, named);
  }
  return greatest;
}

function toolKey(server: string, tool: string): string {
  return `${server}\u0000${tool}`;
}

function callKey({ call_id, server, tool }: ProvenanceEvent): string {
  return call_id ?? toolKey(server ?? '', tool ?? '');
}
