/** Which data files speak of a server: by its package, its configured name, its own words or its list of tools. */
import type { Capability } from './capability.ts';
import type { CatalogFile, ToolEntry } from './catalog_file.ts';
import { keysWithin, packageKey, serverKey, toolKey } from './server_name.ts';

/** What a server, or whoever started it, told about it. */
export interface ServerTold {
  /** As the client's configuration or a scanner names it. */
  package?: string | undefined;
  /** The name in the server's `serverInfo`. */
  server_info?: string | undefined;
  /** The names of all its tools. */
  tool_names?: readonly string[] | undefined;
}

/** A file that may speak of a server. What rests on the server's own words may only add to what its tools' names say. */
export interface Recognised {
  file: IndexedFile;
  own_words: boolean;
  /** Only part of the server's name is the system's: `acme-slack-config` may have little to do with Slack. */
  in_part?: boolean;
}

export interface IndexedFile extends CatalogFile {
  by_tool: ReadonlyMap<string, ToolEntry>;
  /** What at least half of its reading tools read: a further one most likely does too. */
  usually_reads: readonly Capability[];
}

export interface FileIndex {
  /** The files that may speak of a server, the most certain first. */
  recognise(server: string | undefined, told: ServerTold | undefined): Recognised[];
  /** The file of a tool whose name carries a system's name, such as `slack_post_message` of a server called `s1`. */
  byToolName(key: string): Recognised | undefined;
}

/** A list of tools is a file's own when it holds this many of its names ... */
const TOOLS_ALIKE_MIN = 3;
/** ... and they are this part of the list. */
const TOOLS_ALIKE_SHARE = 0.6;
const ANY = '*';

/** An index over files; of two that say the same, the first is asked first. */
export function indexFiles(files: readonly CatalogFile[]): FileIndex {
  const indexed = files.map(withToolKeys);
  const by_name = new Map<string, IndexedFile[]>();
  const by_package = new Map<string, IndexedFile[]>();
  const by_info = new Map<string, IndexedFile[]>();
  const by_tool = new Map<string, IndexedFile[]>();
  for (const file of indexed) {
    for (const name of [file.system.replaceAll('_', ' '), ...file.names])
      push(by_name, name === ANY ? ANY : serverKey(name), file);
    for (const name of file.packages) push(by_package, packageKey(name), file);
    for (const name of file.server_info) push(by_info, name.toLowerCase(), file);
    for (const key of file.by_tool.keys()) push(by_tool, key, file);
  }

  function byName(key: string): { files: readonly IndexedFile[]; in_part: boolean } {
    // `GitHub` falls into git and hub; `slack2` is a second one.
    for (const each of [key, key.replaceAll(' ', ''), key.replace(/\d+\b/g, '')]) {
      const exact = by_name.get(each);
      if (exact !== undefined) return { files: exact, in_part: false };
    }
    for (const part of keysWithin(key)) {
      const within = by_name.get(part);
      if (within !== undefined) return { files: within, in_part: true };
    }
    return { files: [], in_part: false };
  }

  function byTools(names: readonly string[]): readonly IndexedFile[] {
    const keys = new Set(names.map(toolKey));
    const alike = new Map<IndexedFile, number>();
    for (const key of keys) for (const file of by_tool.get(key) ?? []) alike.set(file, (alike.get(file) ?? 0) + 1);
    return [...alike]
      .filter(([, count]) => count >= TOOLS_ALIKE_MIN && count / keys.size >= TOOLS_ALIKE_SHARE)
      .sort(([, a], [, b]) => b - a)
      .map(([file]) => file);
  }

  return {
    recognise(server, told) {
      const found = new Map<IndexedFile, Recognised>();
      const add = (more: readonly IndexedFile[], own_words: boolean, in_part = false) => {
        for (const file of more) if (!found.has(file)) found.set(file, { file, own_words, in_part });
      };
      const addNamed = (name: string, own_words: boolean) => {
        const named = byName(serverKey(name));
        add(named.files, own_words, named.in_part);
      };
      if (told?.package !== undefined) add(by_package.get(packageKey(told.package)) ?? [], false);
      if (server !== undefined && server !== '') addNamed(server, false);
      if (told?.server_info !== undefined) {
        add(by_info.get(told.server_info.toLowerCase()) ?? [], true);
        addNamed(told.server_info, true);
      }
      if (told?.tool_names !== undefined) add(byTools(told.tool_names), true);
      add(by_name.get(ANY) ?? [], false);
      return [...found.values()];
    },
    byToolName(key) {
      const [file, other] = by_tool.get(key) ?? [];
      if (file === undefined || other !== undefined) return undefined;
      const named = file.names.some((name) => key.startsWith(`${serverKey(name).replaceAll(' ', '_')}_`));
      return named ? { file, own_words: true } : undefined;
    },
  };
}

/** Tools are found with and without the system's name before them. */
function withToolKeys(file: CatalogFile): IndexedFile {
  const by_tool = new Map<string, ToolEntry>();
  for (const entry of file.tools) by_tool.set(toolKey(entry.tool), entry);
  const prefixes = new Set([file.system, ...file.names.map((name) => serverKey(name).replaceAll(' ', '_'))]);
  for (const entry of file.tools) {
    const key = toolKey(entry.tool);
    for (const prefix of prefixes) {
      const other = key.startsWith(`${prefix}_`) ? key.slice(prefix.length + 1) : `${prefix}_${key}`;
      if (other !== '' && !by_tool.has(other)) by_tool.set(other, entry);
    }
  }
  return { ...file, by_tool, usually_reads: usuallyReads(file.tools) };
}

function usuallyReads(tools: readonly ToolEntry[]): Capability[] {
  const reading = tools.filter(({ capabilities }) => !capabilities.some((each) => each === 'write' || each === 'auth'));
  return (['untrusted_source', 'sensitive_read'] as const).filter((each) => {
    const having = reading.filter(({ capabilities }) => capabilities.includes(each)).length;
    return having > 0 && having * 2 >= reading.length;
  });
}

function push(index: Map<string, IndexedFile[]>, key: string, file: IndexedFile): void {
  const files = index.get(key);
  if (files === undefined) index.set(key, [file]);
  else if (!files.includes(file)) files.push(file);
}
