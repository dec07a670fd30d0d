/**
 * The catalog: what a tool can do. An override of the tenant goes first, then the operator's, then a shipped file, and
 * last the heuristic. What a server says of itself only ever adds a capability, since the server may be the attacker.
 */
import { createHash } from 'node:crypto';
import type { ToolDefinition } from '../../core/event.ts';
import type { Basis, Capability, ToolProfile } from './capability.ts';
import type { CatalogFile, ToolEntry } from './catalog_file.ts';
import { addAnnotations, claimsReadOnly, profileTool } from './heuristic.ts';
import { type FileIndex, type IndexedFile, indexFiles, type Recognised, type ServerTold } from './recognise.ts';
import { schemaHints } from './schema_hints.ts';
import { splitToolName, toolKey } from './server_name.ts';
import { type VerbClass, verbsOf, wordsOf } from './words.ts';

export type { Basis, Capability, ToolProfile } from './capability.ts';
export { profileTool } from './heuristic.ts';

/** An entry that is handed over in the program. Without `server` it holds for the tool name on any server. */
export interface CatalogEntry extends ToolEntry {
  server?: string;
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

/** The data files, as `loadCatalogFiles` reads them. */
export interface CatalogFiles {
  shipped?: readonly CatalogFile[];
  operator?: readonly CatalogFile[];
  tenants?: ReadonlyMap<string, readonly CatalogFile[]>;
  /** Leaves the shipped files out, to measure what the heuristic does alone. */
  without_shipped?: boolean;
}

/** What was told about a server; `tools` is its whole list. */
export interface ServerIdentity {
  package?: string | undefined;
  server_info?: string | undefined;
  tools?: readonly ToolDefinition[] | undefined;
}

/** A tool that was seen and that no file lists. */
export interface UnlistedTool {
  tenant: string;
  server: string;
  tool: string;
  /** What the judgement rests on, since no file has one. */
  basis: Basis;
  capabilities: readonly Capability[];
  /** The file that the server was found in. */
  system?: string;
}

export interface Catalog {
  /** The profile of a tool; `definition` is what its server published, where that was seen. */
  profile(server: string | undefined, tool: string, definition?: ToolDefinition, tenant?: string): ToolProfile;
  /** Takes in what was told about a server, for later profiles of the same tenant and name; the last word counts. */
  learn(server: string | undefined, identity: ServerIdentity, tenant?: string): void;
  /** The tools that were seen and that no file lists, the first seen first. */
  unlisted(tenant?: string): UnlistedTool[];
  readonly counters: Readonly<CatalogCounters>;
}

interface CatalogCounters {
  /** Times that the profiles in memory were thrown away because there were too many. */
  cache_resets: number;
  /** Unlisted tools beyond the maximum, which `unlisted` does not name. */
  unlisted_dropped: number;
}

const PROFILES_CACHED_MAX = 20_000;
const SERVERS_CACHED_MAX = 5_000;
const UNLISTED_MAX = 2_000;

/** The profiles of one tool: by its name or what was learnt, and by the last definition it was asked with. */
interface ToolSlot {
  plain?: ToolProfile;
  digest?: string;
  defined?: ToolProfile;
}

interface ServerSlot {
  told?: ServerTold;
  tools: Map<string, ToolSlot>;
}

interface Layer {
  basis: 'tenant' | 'operator' | 'catalog';
  index: FileIndex;
}

/** Whether a call sends something out. See `judgeCall`; the same answer is the same object. */
export function profileCall(tool: ToolProfile, use: DestinationUse): CallProfile {
  let variants = CALLS.get(tool);
  if (variants === undefined) {
    variants = [];
    CALLS.set(tool, variants);
  }
  const at = (use.address ? 1 : 0) + (use.host ? 2 : 0);
  variants[at] ??= judgeCall(tool, use);
  return variants[at];
}

const CALLS = new WeakMap<ToolProfile, CallProfile[]>();

/**
 * A tool that sends always sends; one that reads does when it is handed a host to read from; any other, known or not,
 * does when a destination parameter holds an address or a host. A tool that a file knows to read at home does neither,
 * and one that only calls itself a reader is judged as if nothing were known.
 */
function judgeCall(tool: ToolProfile, use: DestinationUse): CallProfile {
  const reads = tool.verb === 'read' && tool.claimed_read !== true;
  const at_home = reads && (tool.basis === 'tenant' || tool.basis === 'operator' || tool.basis === 'catalog');
  const egress = tool.capabilities.has('egress') || (!at_home && (use.host || (use.address && !reads)));
  return { ...tool, egress, fetch: egress && (reads || tool.verb === 'fetch') };
}

/** A catalog over entries and data files, falling back on the heuristic. Its memory is bounded and holds no I/O. */
export function createCatalog(entries: readonly CatalogEntry[] = [], files: CatalogFiles = {}): Catalog {
  const known = new Map(entries.map((entry) => [entryKey(entry.server, entry.tool), entry]));
  const shipped = files.without_shipped === true ? [] : (files.shipped ?? []);
  const shipped_index = indexFiles(shipped);
  const operator = layer('operator', files.operator, shipped);
  const tenant_layers = new Map(
    [...(files.tenants ?? [])].map(([tenant, own]) => [tenant, layer('tenant', own, shipped)]),
  );
  const tenants = new Map<string, Map<string, ServerSlot>>();
  const unlisted = new Map<string, UnlistedTool>();
  const counters: CatalogCounters = { cache_resets: 0, unlisted_dropped: 0 };
  let servers = 0;
  let profiles = 0;

  function slotOf(tenant: string, server: string): ServerSlot {
    let of_tenant = tenants.get(tenant);
    let slot = of_tenant?.get(server);
    if (slot !== undefined) return slot;
    if (servers >= SERVERS_CACHED_MAX) {
      tenants.clear();
      of_tenant = undefined;
      servers = profiles = 0;
      counters.cache_resets++;
    }
    slot = { tools: new Map() };
    if (of_tenant === undefined) tenants.set(tenant, new Map([[server, slot]]));
    else of_tenant.set(server, slot);
    servers++;
    return slot;
  }

  function toolSlot(slot: ServerSlot, tool: string): ToolSlot {
    const found = slot.tools.get(tool);
    if (found !== undefined) return found;
    if (profiles >= PROFILES_CACHED_MAX) {
      for (const of_tenant of tenants.values()) for (const each of of_tenant.values()) each.tools.clear();
      profiles = 0;
      counters.cache_resets++;
    }
    const made: ToolSlot = {};
    slot.tools.set(tool, made);
    profiles++;
    return made;
  }

  function judge(tenant: string, server: string, tool: string, definition?: ToolDefinition): ToolProfile {
    const { local, server: named = '' } = splitToolName(tool, server);
    const key = toolKey(local);
    const told = tenants.get(tenant)?.get(server)?.told;
    for (const { basis, index } of [tenant_layers.get(tenant), operator].filter((each) => each !== undefined)) {
      const hit = find(index, index.recognise(named, told), key, false);
      if (hit !== undefined) return fromEntry(hit.entry, local, basis, definition, hit.found);
    }
    const own =
      known.get(entryKey(server, tool)) ?? known.get(entryKey(named, local)) ?? known.get(entryKey('', local));
    if (own !== undefined) return fromEntry(own, local, 'catalog', definition);
    const recognised = shipped_index.recognise(named, told);
    const hit = find(shipped_index, recognised, key, true);
    if (hit !== undefined) return fromEntry(hit.entry, local, 'catalog', definition, hit.found);
    const [first] = recognised;
    const guessed = profileTool(local, definition);
    return first === undefined || first.in_part === true ? guessed : ofSystem(guessed, first.file);
  }

  function note(tenant: string, server: string, tool: string, profile: ToolProfile): void {
    const { basis, system } = profile;
    const key = `${tenant}\u0000${server}\u0000${tool}`;
    if (basis !== 'annotations' && basis !== 'definition' && basis !== 'name') {
      unlisted.delete(key);
      return;
    }
    if (!unlisted.has(key) && unlisted.size >= UNLISTED_MAX) {
      counters.unlisted_dropped++;
      return;
    }
    const capabilities = [...profile.capabilities];
    unlisted.set(key, { tenant, server, tool, basis, capabilities, ...(system !== undefined && { system }) });
  }

  function defined(
    tenant: string,
    server: string,
    slot: ServerSlot,
    tool: string,
    definition: ToolDefinition,
  ): ToolSlot {
    const found = toolSlot(slot, tool);
    const digest = digestOf(definition);
    if (found.defined !== undefined && found.digest === digest) return found;
    found.defined = judge(tenant, server, tool, definition);
    found.digest = digest;
    note(tenant, server, tool, found.defined);
    return found;
  }

  return {
    profile(server = '', tool, definition, tenant = '') {
      const slot = tenants.get(tenant)?.get(server) ?? slotOf(tenant, server);
      if (definition === undefined) {
        const cached = slot.tools.get(tool)?.plain;
        if (cached !== undefined) return cached;
        const profile = judge(tenant, server, tool);
        toolSlot(slot, tool).plain = profile;
        note(tenant, server, tool, profile);
        return profile;
      }
      return defined(tenant, server, slot, tool, definition).defined ?? judge(tenant, server, tool, definition);
    },
    learn(server = '', identity, tenant = '') {
      const slot = slotOf(tenant, server);
      const before = slot.told;
      const tool_names = identity.tools?.map((tool) => tool.name) ?? before?.tool_names;
      const told: ServerTold = {
        package: identity.package ?? before?.package,
        server_info: identity.server_info ?? before?.server_info,
        tool_names,
      };
      if (!sameTold(before, told)) {
        slot.told = told;
        profiles -= slot.tools.size;
        slot.tools.clear();
      }
      for (const definition of identity.tools ?? []) {
        const found = defined(tenant, server, slot, definition.name, definition);
        if (found.defined !== undefined) found.plain = found.defined;
      }
    },
    unlisted: (tenant) => [...unlisted.values()].filter((tool) => tenant === undefined || tool.tenant === tenant),
    counters,
  };
}

/** The overrides of one kind. One that names a shipped system is recognised as that system is. */
function layer(
  basis: 'tenant' | 'operator',
  files: readonly CatalogFile[] | undefined,
  shipped: readonly CatalogFile[],
): Layer | undefined {
  if (files === undefined || files.length === 0) return undefined;
  const by_system = new Map(shipped.map((file) => [file.system, file]));
  const complete = files.map((file) => {
    const same = by_system.get(file.system);
    if (same === undefined) return file;
    return {
      ...file,
      names: [...file.names, ...same.names],
      packages: [...file.packages, ...same.packages],
      server_info: [...file.server_info, ...same.server_info],
    };
  });
  return { basis, index: indexFiles(complete) };
}

/** The first file that lists the tool; by the tool's name alone only where the server is in none. */
function find(
  index: FileIndex,
  recognised: readonly Recognised[],
  key: string,
  by_name: boolean,
): { entry: ToolEntry; found: Recognised } | undefined {
  for (const found of recognised) {
    const entry = found.file.by_tool.get(key);
    if (entry !== undefined) return { entry, found };
  }
  if (!by_name || recognised.some(({ own_words }) => !own_words)) return undefined;
  const found = index.byToolName(key);
  const entry = found?.file.by_tool.get(key);
  return found === undefined || entry === undefined ? undefined : { entry, found };
}

/** A tool that the file of its server does not list: when it reads, it reads what the others of that server read. */
function ofSystem(guessed: ToolProfile, { system, usually_reads }: IndexedFile): ToolProfile {
  const reads = guessed.verb === 'read' || guessed.verb === 'unknown';
  const capabilities = reads ? new Set([...guessed.capabilities, ...usually_reads]) : guessed.capabilities;
  return { ...guessed, capabilities, system };
}

function fromEntry(
  entry: ToolEntry,
  name: string,
  basis: 'tenant' | 'operator' | 'catalog',
  definition: ToolDefinition | undefined,
  found?: Recognised,
): ToolProfile {
  const capabilities = new Set(entry.capabilities);
  const own_words = found?.own_words === true;
  const by_name = own_words ? profileTool(name, definition) : undefined;
  for (const capability of by_name?.capabilities ?? []) if (capability !== 'unknown') capabilities.add(capability);
  if (basis === 'catalog') addAnnotations(capabilities, definition?.annotations);
  const hinted = schemaHints(definition?.inputSchema).destinations;
  const destinations = new Set([...(entry.destinations ?? []), ...hinted]);
  const verb = verbOf(capabilities, name);
  return {
    capabilities,
    verb,
    basis: own_words && basis === 'catalog' ? 'lookalike' : basis,
    ...(found !== undefined && { system: found.file.system }),
    ...(destinations.size > 0 && { destinations }),
    ...(entry.sources !== undefined && { sources: new Set(entry.sources) }),
    ...(entry.untrusted_fields !== undefined && { untrusted_fields: new Set(entry.untrusted_fields) }),
    ...(entry.sensitivity !== undefined && { sensitivity: entry.sensitivity }),
    ...(entry.audience !== undefined && { audience: entry.audience }),
    ...(by_name !== undefined && isReading(verb) && !knownToRead(by_name) && { claimed_read: true }),
    ...(claimsReadOnly(definition) && { read_only_claim: true }),
  };
}

function isReading(verb: VerbClass | 'unknown'): boolean {
  return verb === 'read' || verb === 'fetch';
}

function knownToRead({ verb, claimed_read }: ToolProfile): boolean {
  return isReading(verb) && claimed_read !== true;
}

/** The verb that a tool's capabilities amount to; its name decides only where they leave it open. */
function verbOf(capabilities: ReadonlySet<Capability>, name: string): VerbClass | 'unknown' {
  const has = (capability: Capability) => capabilities.has(capability);
  if (has('exec')) return 'execute';
  if (has('destructive')) return 'destroy';
  if (has('egress')) return has('write') ? 'send' : has('untrusted_source') ? 'fetch' : namedVerb(name, 'send');
  if (has('memory_write')) return 'remember';
  if (has('write')) return has('auth') ? 'administer' : 'write';
  if (has('auth')) return 'authenticate';
  return has('unknown') ? 'unknown' : 'read';
}

function namedVerb(name: string, otherwise: VerbClass): VerbClass {
  const verb_class = verbsOf(wordsOf(name))[0]?.verb_class;
  return verb_class !== undefined && isReading(verb_class) ? 'fetch' : otherwise;
}

function sameTold(a: ServerTold | undefined, b: ServerTold): boolean {
  if (a === undefined || a.package !== b.package || a.server_info !== b.server_info) return false;
  const [of_a, of_b] = [a.tool_names, b.tool_names];
  if (of_a === of_b) return true;
  return of_a?.length === of_b?.length && of_a?.every((name, at) => name === of_b?.[at]) === true;
}

function digestOf({ name, title, description, inputSchema, annotations }: ToolDefinition): string {
  const text = JSON.stringify([name, title, description, inputSchema, annotations]);
  return createHash('sha256').update(text).digest('base64');
}

function entryKey(server: string | undefined, tool: string): string {
  return `${server ?? ''}\u0000${tool}`;
}
