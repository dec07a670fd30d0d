/**
 * What a session did, in so few words that it can be kept when the content of its events is gone: a plain JSON object
 * below `SUMMARY_BYTES_MAX`, kept up with every event. Of a list that is full the first half and the latest stay.
 */
import type { ProvenanceEvent } from '../../core/event.ts';
import type { CallProfile } from '../catalog/capabilities.ts';
import { parameterRoleIn } from '../catalog/destinations.ts';
import { wordSet, wordsOf } from '../catalog/words.ts';
import type { ContentView } from '../content/content_view.ts';
import type { Edge } from './edge.ts';
import { type ExtractedValue, extractValues } from './extract_values.ts';
import { type Leaf, leavesOf } from './leaves.ts';
import { hostOf, previewOf } from './normalise.ts';
import { extractSecrets, maskSecrets } from './secrets.ts';

export const SUMMARY_BYTES_MAX = 16_384;

/** Characters that came from a server's results, and that calls sending something out gave it. */
export interface ServerTraffic {
  calls: number;
  in: number;
  out: number;
}

export interface SessionSummary {
  events: number;
  calls: number;
  errors: number;
  /** Milliseconds since 1970 by the producer's clock; null before the first event. */
  first_ms: number | null;
  last_ms: number | null;
  /** Secrets masked, long ones cut. */
  commands: string[];
  files_read: string[];
  files_written: string[];
  /** Host and path, without query. */
  endpoints: string[];
  /** Addresses, accounts and phones that something was sent to, as they may be shown. */
  parties: string[];
  /** URIs without query, with their sensitivity where it is known. */
  data_sources: string[];
  /** By name; those for which there was no room come together under `…`. */
  servers: Record<string, ServerTraffic>;
  /** Calls by `server/tool`, likewise. */
  tools: Record<string, number>;
  /** Entries that were left out of the lists. */
  left_out: number;
}

/** What the session's lineage says of the event. */
export interface SummaryContext {
  edges?: readonly Edge[];
  call?: CallProfile | undefined;
  content?: ContentView | undefined;
}

type ListName = 'commands' | 'files_read' | 'files_written' | 'endpoints' | 'parties' | 'data_sources';

/** Bytes of JSON of each list; with the maps below they stay under the maximum. */
const LIST_BYTES: Record<ListName, number> = {
  commands: 3_000,
  files_read: 1_600,
  files_written: 1_600,
  endpoints: 1_800,
  parties: 1_200,
  data_sources: 1_600,
};
const COMMAND_BYTES_MAX = 240;
const ENTRY_BYTES_MAX = 160;
const NAME_BYTES_MAX = 64;
const SERVERS_MAX = 16;
const TOOLS_MAX = 24;
const OTHERS = '…';
const PARAMS_CHARS_MAX = 32_768;
const LEAF_CHARS_MAX = 2_048; // of a parameter that is searched for addresses and paths
const COMMAND_NAMES = wordSet('command cmd script shell code statement exec args argv arguments');
const FILE_NAMES = wordSet('path file filename filepath directory dir folder source destination target src dst uri');
const FILE = /^(?:file:\/\/|~?[/\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\])|[^\s/\\]\.[A-Za-z][A-Za-z0-9]{0,7}$/;
/** A part of a path this long that looks random may open something. */
const RANDOM_CHARS_MIN = 20;

/** A summary of nothing. */
export function emptySummary(): SessionSummary {
  return {
    events: 0,
    calls: 0,
    errors: 0,
    first_ms: null,
    last_ms: null,
    commands: [],
    files_read: [],
    files_written: [],
    endpoints: [],
    parties: [],
    data_sources: [],
    servers: {},
    tools: {},
    left_out: 0,
  };
}

/** Adds an event. Changes the summary it is given and nothing else. */
export function addToSummary(summary: SessionSummary, event: ProvenanceEvent, context: SummaryContext): void {
  summary.events++;
  if (event.is_error === true) summary.errors++;
  summary.first_ms = Math.min(summary.first_ms ?? event.time_ms, event.time_ms);
  summary.last_ms = Math.max(summary.last_ms ?? event.time_ms, event.time_ms);
  for (const { uri, sensitivity } of event.data_sources ?? []) {
    add(
      summary,
      'data_sources',
      sensitivity === undefined ? withoutQuery(uri) : `${withoutQuery(uri)} (${sensitivity})`,
    );
  }
  if (event.type === 'tool.call') addCall(summary, event, context);
  else if (event.type === 'tool.result' || event.type === 'resource.read') {
    trafficOf(summary, event.server ?? '').in += context.content?.chars ?? event.content?.length ?? 0;
    const { uri } = event.rest;
    if (event.type === 'resource.read' && typeof uri === 'string') add(summary, 'data_sources', withoutQuery(uri));
  }
}

function addCall(summary: SessionSummary, event: ProvenanceEvent, { call, edges }: SummaryContext): void {
  const server = event.server ?? '';
  const traffic = trafficOf(summary, server);
  summary.calls++;
  traffic.calls++;
  const tool = nameIn(summary.tools, `${server}/${event.tool ?? ''}`, TOOLS_MAX);
  summary.tools[tool] = (Object.hasOwn(summary.tools, tool) ? (summary.tools[tool] as number) : 0) + 1;
  const { leaves } = leavesOf(event.params ?? {}, PARAMS_CHARS_MAX);
  if (call?.egress === true) for (const { text } of leaves) traffic.out += text.length;
  addCommand(summary, leaves, call, edges ?? []);
  for (const leaf of leaves) {
    if (leaf.text.length > LEAF_CHARS_MAX) continue;
    addFile(summary, leaf, call);
    addPeers(summary, leaf, call);
  }
}

function addCommand(
  summary: SessionSummary,
  leaves: readonly Leaf[],
  call: CallProfile | undefined,
  edges: readonly Edge[],
): void {
  const parts = leaves.filter(({ name }) => holds(COMMAND_NAMES, name));
  if (parts.length === 0 || call?.capabilities.has('exec') !== true) return;
  const known = edges.some(({ kind, path }) => kind === 'secret' && parts.some((part) => part.path === path));
  const whole = parts.map(({ text }) => text.slice(0, LEAF_CHARS_MAX)).join(' ');
  const text = known ? 'a command that held a secret' : maskSecrets(whole, extractSecrets(whole));
  add(summary, 'commands', text.replace(/\s+/g, ' ').trim(), COMMAND_BYTES_MAX);
}

function addFile(summary: SessionSummary, { name, text }: Leaf, call: CallProfile | undefined): void {
  if (text.length > 1_024 || /\s{2}|\n/.test(text) || !FILE.test(text) || !holds(FILE_NAMES, name)) return;
  const writes = call?.capabilities.has('write') === true || call?.capabilities.has('destructive') === true;
  add(summary, writes ? 'files_written' : 'files_read', text);
}

function addPeers(summary: SessionSummary, leaf: Leaf, call: CallProfile | undefined): void {
  if (call?.egress !== true) return;
  const role = parameterRoleIn(call, leaf.name, leaf.path);
  for (const value of extractValues(leaf.text, role)) {
    if (value.kind === 'host') add(summary, 'endpoints', endpointOf(leaf.text, value));
    else if (role.destination) add(summary, 'parties', previewOf(value.kind, value.value));
  }
}

function endpointOf(text: string, { value, start, end }: ExtractedValue): string {
  const url = withoutQuery(text.slice(start, end));
  const [, ...path] = url.slice(url.includes('://') ? url.indexOf('://') + 3 : 0).split('/');
  return [hostOf(url) ?? value, ...path.map((part) => (looksRandom(part) ? OTHERS : part))].join('/');
}

function looksRandom(part: string): boolean {
  return part.length >= RANDOM_CHARS_MIN && /\d/.test(part) && /[A-Za-z]/.test(part);
}

function withoutQuery(uri: string): string {
  return uri.split(/[?#]/, 1)[0] ?? '';
}

function holds(names: ReadonlySet<string>, name: string): boolean {
  return wordsOf(name).some((word) => names.has(word));
}

/** Adds an entry to a list once; of a full list the middle makes room, so that its beginning and its end stay. */
function add(summary: SessionSummary, list: ListName, entry: string, bytes_max = ENTRY_BYTES_MAX): void {
  const kept = fitted(entry, bytes_max);
  const entries = summary[list];
  if (kept === '' || entries.includes(kept)) return;
  entries.push(kept);
  let bytes = entries.reduce((sum, each) => sum + bytesOf(each), 0);
  while (bytes > LIST_BYTES[list] && entries.length > 1) {
    const [removed = ''] = entries.splice(Math.floor((entries.length - 1) / 2), 1);
    bytes -= bytesOf(removed);
    summary.left_out++;
  }
}

function trafficOf(summary: SessionSummary, server: string): ServerTraffic {
  const name = nameIn(summary.servers, server, SERVERS_MAX);
  if (!Object.hasOwn(summary.servers, name)) summary.servers[name] = { calls: 0, in: 0, out: 0 };
  return summary.servers[name] as ServerTraffic;
}

/** The name under which something is counted. */
function nameIn(counts: Record<string, unknown>, name: string, names_max: number): string {
  const kept = name === '__proto__' ? OTHERS : fitted(name, NAME_BYTES_MAX);
  return Object.hasOwn(counts, kept) || Object.keys(counts).length < names_max ? kept : OTHERS;
}

/** Bytes of an entry in JSON, with its comma. */
function bytesOf(entry: string): number {
  return Buffer.byteLength(JSON.stringify(entry)) + 1;
}

/** A text cut so that its JSON is no longer than allowed. */
function fitted(text: string, bytes_max: number): string {
  if (text.length * 6 + 3 <= bytes_max || (text.length < bytes_max && bytesOf(text) <= bytes_max)) return text;
  let kept = text.slice(0, bytes_max);
  while (bytesOf(kept) > bytes_max - 3) kept = kept.slice(0, Math.floor(kept.length * 0.8));
  return `${kept}…`;
}
