/**
 * One data file of the catalog: YAML text to entries, or an error that names file, line and rule. The form:
 *
 *     system: postgres                # lower-case letters, digits and _; also a name of the server
 *     title: PostgreSQL               # for people
 *     names: [postgres, pg]           # what the server is called in configurations; '*' in an override: any server
 *     packages: [postgres-mcp]        # npm or PyPI packages, container images
 *     server_info: [postgres-mcp]     # what the server calls itself in `serverInfo`
 *     tools:
 *       - names: [query]              # tools that are alike
 *         capabilities: [untrusted_source, sensitive_read]   # words of capability.ts; none means it only reads
 *         destinations: [to]          # parameters, by name or dotted path, that say where something goes
 *         sources: [sql]              # parameters that say what is read
 *         untrusted: [body]           # fields of the result that others may have written; `true`: all of it
 *         sensitivity: confidential   # of what is read: public, internal, confidential or secret
 *         audience: others            # who sees what is written: team, others (whom it is addressed to) or public
 *
 * An override that names a shipped `system` is recognised as that file is, and needs no `names`.
 */
import { LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import {
  AUDIENCES,
  type Audience,
  CAPABILITIES,
  type Capability,
  SENSITIVITIES,
  type Sensitivity,
} from './capability.ts';

/** Maxima of one file. A larger one is refused. */
export const CATALOG_FILE_LIMITS = {
  catalog_file_bytes_max: 131_072,
  catalog_tools_max: 2_000, // of one file
  catalog_names_max: 100, // by which one server is recognised
  catalog_fields_max: 64, // parameters or fields of one entry
  catalog_faults_max: 20, // told of one file
} as const;

const NAME_CHARS_MAX = 256;
const KEYS_SHOWN_CHARS_MAX = 80;
const name = z
  .string()
  .trim()
  .min(1)
  .max(NAME_CHARS_MAX)
  .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'must not hold control characters');
const names = z.array(name).max(CATALOG_FILE_LIMITS.catalog_names_max);
const fields = z.array(name).max(CATALOG_FILE_LIMITS.catalog_fields_max);

const Group = z.strictObject({
  names: z.array(name).min(1).max(CATALOG_FILE_LIMITS.catalog_tools_max),
  capabilities: z.array(z.enum(CAPABILITIES)).max(CAPABILITIES.length),
  destinations: fields.optional(),
  sources: fields.optional(),
  untrusted: z.union([z.literal(true), fields]).optional(),
  sensitivity: z.enum(SENSITIVITIES).optional(),
  audience: z.enum(AUDIENCES).optional(),
});

const File = z.strictObject({
  system: z.string().regex(/^[a-z0-9_]{1,64}$/, 'must be 1 to 64 lower-case letters, digits or _'),
  title: name.optional(),
  names: names.default([]),
  packages: names.default([]),
  server_info: names.default([]),
  tools: z.array(Group).min(1).max(CATALOG_FILE_LIMITS.catalog_tools_max),
});

/** What a file says of one tool. */
export interface ToolEntry {
  tool: string;
  capabilities: readonly Capability[];
  destinations?: readonly string[];
  sources?: readonly string[];
  untrusted_fields?: readonly string[];
  sensitivity?: Sensitivity;
  audience?: Audience;
}

/** One file: how a server is recognised, and what its tools can do. */
export interface CatalogFile {
  system: string;
  title: string;
  names: readonly string[];
  packages: readonly string[];
  server_info: readonly string[];
  tools: readonly ToolEntry[];
}

/** Why a file was not taken: where, and which rule. Never the text itself, which may hold a secret. */
export interface CatalogFault {
  file: string;
  line: number;
  rule: string;
}

export type ParsedCatalogFile = { file: CatalogFile } | { faults: CatalogFault[] };

/** Parses one file. `path` is only named in faults. Never throws for what the text holds. */
export function parseCatalogFile(text: string, path: string): ParsedCatalogFile {
  const fault = (line: number, rule: string): ParsedCatalogFile => ({ faults: [{ file: path, line, rule }] });
  const bytes = Buffer.byteLength(text);
  const { catalog_file_bytes_max } = CATALOG_FILE_LIMITS;
  if (bytes > catalog_file_bytes_max) return fault(1, `has ${bytes} bytes, more than ${catalog_file_bytes_max}`);
  const nested = tooDeep(text);
  if (nested !== undefined) return fault(nested, `nests deeper than ${DEPTH_MAX}`);
  const lines = new LineCounter();
  let value: unknown;
  let lineAt = (_path: readonly PropertyKey[]): number => 1;
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      logLevel: 'error',
      prettyErrors: false,
      schema: 'core',
      strict: true,
    });
    const [error] = document.errors;
    if (error !== undefined) return fault(lines.linePos(error.pos[0]).line, `is not YAML (${error.code})`);
    // A file has no use for aliases; with them a few lines stand for gigabytes.
    value = document.toJS({ maxAliasCount: 0 });
    lineAt = (at) => lineOf(document, at, lines);
  } catch {
    return fault(1, 'must be plain YAML without aliases, merges and tags');
  }
  const parsed = File.safeParse(value);
  if (parsed.success) return toFile(parsed.data, path, lineAt);
  return {
    faults: parsed.error.issues.slice(0, CATALOG_FILE_LIMITS.catalog_faults_max).map((issue) => ({
      file: path,
      line: lineAt(issue.path),
      rule: `${issue.path.map(String).join('.') || 'the file'}: ${ruleOf(issue)}`,
    })),
  };
}

function toFile(
  data: z.infer<typeof File>,
  file: string,
  lineAt: (at: readonly PropertyKey[]) => number,
): ParsedCatalogFile {
  const tools: ToolEntry[] = [];
  const seen = new Set<string>();
  const { catalog_tools_max } = CATALOG_FILE_LIMITS;
  for (const [at, group] of data.tools.entries()) {
    for (const [index, tool] of group.names.entries()) {
      const line = lineAt(['tools', at, 'names', index]);
      if (seen.has(tool)) return { faults: [{ file, line, rule: `tools.${at}.names.${index}: is named twice` }] };
      if (seen.size >= catalog_tools_max) {
        return { faults: [{ file, line, rule: `tools: must not name more than ${catalog_tools_max} tools` }] };
      }
      seen.add(tool);
      tools.push(toEntry(tool, group));
    }
  }
  const { system, names, packages, server_info } = data;
  return { file: { system, title: data.title ?? system, names, packages, server_info, tools } };
}

function toEntry(tool: string, group: z.infer<typeof Group>): ToolEntry {
  const { destinations, sources, untrusted, sensitivity, audience } = group;
  const capabilities = new Set(group.capabilities);
  if (untrusted !== undefined) capabilities.add('untrusted_source');
  const read = capabilities.has('secret_read')
    ? 'secret'
    : capabilities.has('sensitive_read')
      ? 'confidential'
      : undefined;
  const known = sensitivity ?? read;
  return {
    tool,
    capabilities: [...capabilities],
    ...(destinations !== undefined && { destinations }),
    ...(sources !== undefined && { sources }),
    ...(Array.isArray(untrusted) && { untrusted_fields: untrusted }),
    ...(known !== undefined && { sensitivity: known }),
    ...(audience !== undefined && { audience }),
  };
}

/** A rule in words that hold nothing of the value. */
function ruleOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'unrecognized_keys')
    return `holds what does not exist: ${issue.keys.join(', ').slice(0, KEYS_SHOWN_CHARS_MAX)}`;
  if (issue.code === 'invalid_type') return `must be of type ${issue.expected}`;
  if (issue.code === 'invalid_union') return 'must be true or a list of names';
  return issue.message;
}

/** The line of a value, or of the nearest thing above it that stands in the file. */
function lineOf(
  document: { getIn(path: Iterable<unknown>, keep: true): unknown; contents: unknown },
  at: readonly PropertyKey[],
  lines: LineCounter,
): number {
  for (let length = at.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(at.slice(0, length), true);
    const start = (node as Node | undefined | null)?.range?.[0];
    if (start !== undefined) return lines.linePos(start).line;
  }
  return 1;
}

const DEPTH_MAX = 32;

/** The line at which brackets or indentation go deeper than any file needs; the parser would run out of stack. */
function tooDeep(text: string): number | undefined {
  let depth = 0;
  for (const [at, line] of text.split('\n').entries()) {
    const indent = /^(?: |- )*/.exec(line)?.[0].length ?? 0;
    let highest = depth;
    for (const sign of line) {
      if (sign === '[' || sign === '{') highest = Math.max(highest, ++depth);
      else if (sign === ']' || sign === '}') depth = Math.max(0, depth - 1);
    }
    if (highest > DEPTH_MAX || indent > DEPTH_MAX * 4 || /^\s*(?:- ){33}/.test(line) || /^\s*(?:\? ){33}/.test(line))
      return at + 1;
  }
  return undefined;
}
