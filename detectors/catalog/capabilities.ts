/**
 * What a tool can do, judged from its name, description, annotations and parameters. A data file's entry goes before
 * the heuristic; a server's own annotations only ever add a capability, since the server may be the attacker.
 */
import type { ToolDefinition } from '../../core/event.ts';
import { holdsWord, type VerbClass, verbClassOf, wordSet, wordsOf } from './words.ts';

const CAPABILITIES = [
  'untrusted_source',
  'secret_read',
  'sensitive_read',
  'write',
  'egress',
  'exec',
  'persist',
  'destructive',
  'memory_write',
  'auth',
  'unknown',
] as const;
type Capability = (typeof CAPABILITIES)[number];

/** One line of a catalog data file. Without `server` it holds for the tool name on any server. */
export interface CatalogEntry {
  server?: string;
  tool: string;
  capabilities: readonly Capability[];
}

/** What is known of a tool before it is called. */
export interface ToolProfile {
  capabilities: ReadonlySet<Capability>;
  verb: VerbClass | 'unknown';
  /** What the judgement rests on. */
  basis: 'catalog' | 'definition' | 'name';
}

/** What one call does: a tool's profile together with the destinations in the parameters. */
export interface CallProfile extends ToolProfile {
  egress: boolean;
  /** Only asks for something at a host: no more leaves than the request itself. */
  fetch: boolean;
}

/** What a call's parameters hold in places that name a destination. */
export interface DestinationUse {
  address: boolean;
  host: boolean;
}

const SECRET = wordSet('secret credential password passwd token apikey key env environment vault keychain keyring');
const SENSITIVE = wordSet(`patient medical health diagnosis prescription payroll salary compensation employee personnel
  customer transaction statement balance bank tax passport ssn invoice contract contact inbox private`);
const UNTRUSTED =
  wordSet(`web webpage page url website site internet email mail inbox message channel chat issue comment
  review ticket post article feed news search document doc file event calendar pull thread forum result attachment
  transcript`);
const PERSIST = wordSet(
  'cron crontab startup autostart daemon scheduler launchd systemd hook trigger autorun rule filter',
);
const MEMORY = wordSet('memory memories knowledge recollection');
const AUTH = wordSet('login auth oauth token permission role scope consent mfa password grant acl');

const BY_VERB: Record<VerbClass | 'unknown', readonly Capability[]> = {
  read: [],
  fetch: ['untrusted_source', 'egress'],
  send: ['write', 'egress'],
  write: ['write'],
  destroy: ['write', 'destructive'],
  execute: ['exec', 'write'],
  remember: ['write', 'memory_write'],
  authenticate: ['auth'],
  unknown: ['unknown'],
};

/** Judges a tool by what its name, and its definition where one was seen, say. */
export function profileTool(name: string, definition?: ToolDefinition): ToolProfile {
  const words = wordsOf(name);
  const about = [...words, ...wordsOf((definition?.description ?? '').split(/[.\n]/, 1)[0] ?? '')];
  const verb = verbClassOf(words) ?? verbClassOf(about.slice(words.length)) ?? 'unknown';
  const capabilities = new Set(BY_VERB[verb]);
  const reads = verb === 'read' || verb === 'fetch';
  if (reads && holdsWord(words, SECRET)) capabilities.add('secret_read');
  if (reads && holdsWord(about, SENSITIVE)) capabilities.add('sensitive_read');
  if (reads && holdsWord(about, UNTRUSTED)) capabilities.add('untrusted_source');
  if (!reads && holdsWord(words, PERSIST)) capabilities.add('persist');
  if (!reads && holdsWord(words, MEMORY)) capabilities.add('memory_write');
  if (!reads && holdsWord(words, AUTH)) capabilities.add('auth');
  addAnnotations(capabilities, definition?.annotations);
  return { capabilities, verb, basis: definition === undefined ? 'name' : 'definition' };
}

function addAnnotations(capabilities: Set<Capability>, annotations: ToolDefinition['annotations']): void {
  if (annotations?.destructiveHint === true && annotations.readOnlyHint !== true) capabilities.add('destructive');
  if (annotations?.openWorldHint === true) capabilities.add('untrusted_source');
  if (annotations?.readOnlyHint === false) capabilities.add('write');
}

/**
 * Whether a call sends something out. A tool that sends always does; one that reads does when it is handed a host to
 * read from; any other, known or not, does when a destination parameter holds an address or a host.
 */
export function profileCall(tool: ToolProfile, use: DestinationUse): CallProfile {
  const reads = tool.verb === 'read';
  const egress = tool.capabilities.has('egress') || use.host || (use.address && !reads);
  return { ...tool, egress, fetch: egress && (reads || tool.verb === 'fetch') };
}

export interface Catalog {
  /** The profile of a tool; `definition` is what its server published, where that was seen. */
  profile(server: string | undefined, tool: string, definition?: ToolDefinition): ToolProfile;
}

const PROFILES_CACHED_MAX = 10_000;

/** A catalog over the entries of data files, falling back on the heuristic. */
export function createCatalog(entries: readonly CatalogEntry[] = []): Catalog {
  const known = new Map(entries.map((entry) => [entryKey(entry.server, entry.tool), fromEntry(entry)]));
  const by_name = new Map<string, ToolProfile>();
  return {
    profile(server, tool, definition) {
      const entry = known.get(entryKey(server, tool)) ?? known.get(entryKey(undefined, tool));
      if (entry !== undefined) return entry;
      if (definition !== undefined) return profileTool(tool, definition);
      const cached = by_name.get(tool);
      if (cached !== undefined) return cached;
      if (by_name.size >= PROFILES_CACHED_MAX) by_name.clear();
      const profile = profileTool(tool);
      by_name.set(tool, profile);
      return profile;
    },
  };
}

function fromEntry(entry: CatalogEntry): ToolProfile {
  const verb = verbClassOf(wordsOf(entry.tool)) ?? 'unknown';
  return { capabilities: new Set(entry.capabilities), verb, basis: 'catalog' };
}

function entryKey(server: string | undefined, tool: string): string {
  return `${server ?? ''}\u0000${tool}`;
}
