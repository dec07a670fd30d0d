/**
 * What servers published about their tools, over all sessions of a tenant: hosts ask for it once and keep it, so most
 * sessions hold calls of tools that only an earlier one saw described. What an event may know is what came before it in
 * the log, so a replay gives the same answers.
 */
import type { ProvenanceEvent, ToolDefinition } from '../../core/event.ts';
import type { ToolProfile } from './capability.ts';

export interface ToolBookLimits {
  /** Tools of all tenants and servers; those that were published longest ago go first. */
  book_tools_max: number;
  /** Versions of one tool; a session that is rebuilt may ask for an earlier one. */
  book_versions_max?: number;
}

/** A tool as it was published; `profile` is for whoever judges it, to keep. */
export interface DescribedTool {
  readonly definition: ToolDefinition;
  profile: ToolProfile | undefined;
}

export interface ToolBook {
  /** Takes in an event that publishes tools; others say nothing. In log order. */
  note(event: ProvenanceEvent): void;
  /** The called tool as it was last published before the event. */
  find(event: ProvenanceEvent): DescribedTool | undefined;
  readonly counters: Readonly<{ tools: number; evicted_tools: number }>;
}

interface Version extends DescribedTool {
  log: string;
  seq: number;
  received_at_ms: number;
}

const VERSIONS_MAX = 4;
const TOOLS_PER_EVENT_MAX = 1_000;
const DESCRIPTION_CHARS_MAX = 1_000;
const SCHEMA_CHARS_MAX = 4_000;

/** An empty book. */
export function createToolBook(limits: ToolBookLimits): ToolBook {
  /** In the order in which they were last published. */
  const tools = new Map<string, Version[]>();
  const counters = { tools: 0, evicted_tools: 0 };

  function noteTool({ tenant, server = '', log, seq, received_at_ms }: ProvenanceEvent, tool: ToolDefinition): void {
    const key = keyOf(tenant, server, tool.name);
    const versions = tools.get(key) ?? [];
    const definition = shortened(tool);
    tools.delete(key);
    tools.set(key, versions);
    const last = versions.at(-1);
    if (last !== undefined && isSame(last.definition, definition)) return;
    versions.push({ definition, profile: undefined, log, seq, received_at_ms });
    if (versions.length > (limits.book_versions_max ?? VERSIONS_MAX)) versions.shift();
  }

  return {
    note(event) {
      if (event.tools === undefined) return;
      for (const tool of event.tools.slice(0, TOOLS_PER_EVENT_MAX)) noteTool(event, tool);
      for (const oldest of tools.keys()) {
        if (tools.size <= limits.book_tools_max) break;
        tools.delete(oldest);
        counters.evicted_tools++;
      }
      counters.tools = tools.size;
    },
    find(event) {
      const versions = tools.get(keyOf(event.tenant, event.server ?? '', event.tool ?? ''));
      return versions?.findLast((version) => isBefore(version, event));
    },
    counters,
  };
}

function keyOf(tenant: string, server: string, tool: string): string {
  return `${tenant}\u0000${server}\u0000${tool}`;
}

/** Of two logs the arrival decides, since their numbers say nothing about each other. */
function isBefore(version: Version, event: ProvenanceEvent): boolean {
  return version.log === event.log ? version.seq < event.seq : version.received_at_ms < event.received_at_ms;
}

/** A definition as the book keeps it: as much as a judgement asks for. */
export function shortened({ name, description, inputSchema, annotations }: ToolDefinition): ToolDefinition {
  const schema_chars = inputSchema === undefined ? 0 : JSON.stringify(inputSchema).length;
  return {
    name,
    ...(description != null && { description: description.slice(0, DESCRIPTION_CHARS_MAX) }),
    ...(inputSchema !== undefined && schema_chars <= SCHEMA_CHARS_MAX && { inputSchema }),
    ...(annotations != null && { annotations }),
  };
}

function isSame(one: ToolDefinition, other: ToolDefinition): boolean {
  return one.description === other.description && JSON.stringify(one) === JSON.stringify(other);
}
