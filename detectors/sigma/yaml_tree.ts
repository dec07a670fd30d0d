/** YAML as a small tree in which everything knows its line: the only file here that knows the YAML library. */
import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { messageOf } from '../../core/errors.ts';
import { type Place, tooDeep } from '../../core/yaml_depth.ts';
import { RULE_LIMITS } from './rule_limits.ts';

export type { Place } from '../../core/yaml_depth.ts';

export type Scalar = string | number | boolean | null;

export interface TreeScalar {
  kind: 'scalar';
  place: Place;
  value: Scalar;
}

export interface TreeList {
  kind: 'list';
  place: Place;
  items: Tree[];
}

export interface TreeMap {
  kind: 'map';
  place: Place;
  entries: Map<string, { place: Place; value: Tree }>;
}

export type Tree = TreeScalar | TreeList | TreeMap;

/** What is wrong with a text, and where. */
export interface YamlProblem {
  place: Place;
  problem: string;
}

/** The documents of a text, or what is wrong with it. Bounded in time and memory, whatever the text holds. */
export function readYaml(text: string): { documents: Tree[]; problems: YamlProblem[] } {
  const start = { line: 1, column: 1 };
  if (text.length > RULE_LIMITS.file_chars_max) {
    return refuse(start, `has ${text.length} characters, more than ${RULE_LIMITS.file_chars_max}`);
  }
  const deep = tooDeep(text, RULE_LIMITS.nesting_max);
  if (deep !== undefined) return refuse(deep, `is nested deeper than ${RULE_LIMITS.depth_max} levels`);
  const marks = text.match(/^---/gm)?.length ?? 0;
  if (marks > RULE_LIMITS.documents_max) {
    return refuse(start, `holds ${marks} documents, more than ${RULE_LIMITS.documents_max}`);
  }
  const lines = new LineCounter();
  try {
    // `uniqueKeys` compares every key with every other; the tree does that in one step.
    const parsed = parseAllDocuments(text, {
      lineCounter: lines,
      uniqueKeys: false,
      prettyErrors: false,
      version: '1.2',
    });
    const documents = Array.isArray(parsed) ? parsed.filter((document) => !isEmpty(document)) : [];
    const problems: YamlProblem[] = [];
    for (const { errors, warnings } of documents) {
      for (const { pos, message } of [...errors, ...warnings]) {
        if (problems.length >= RULE_LIMITS.errors_max) break;
        problems.push({ place: placeAt(lines, pos[0]), problem: `is not valid YAML: ${firstLine(message)}` });
      }
    }
    if (problems.length > 0) return { documents: [], problems };
    if (documents.length > RULE_LIMITS.documents_max) {
      return refuse(start, `holds ${documents.length} documents, more than ${RULE_LIMITS.documents_max}`);
    }
    const builder = new TreeBuilder(lines);
    return { documents: documents.map((document) => builder.document(document)), problems: [] };
  } catch (error) {
    if (error instanceof TreeError) return refuse(error.place, error.message);
    return refuse(start, `cannot be read as YAML: ${firstLine(messageOf(error))}`);
  }
}

class TreeError extends Error {
  readonly place: Place;
  constructor(place: Place, message: string) {
    super(message);
    this.place = place;
  }
}

/** One YAML document of the library. */
type Document = Extract<ReturnType<typeof parseAllDocuments>, readonly unknown[]>[number];

/** Nothing between two marks. */
function isEmpty({ contents, errors }: Document): boolean {
  const nothing = contents === null || (isScalar(contents) && contents.value === null && contents.source === '');
  return nothing && errors.length === 0;
}

class TreeBuilder {
  private nodes = 0;
  private aliases = 0;
  private readonly lines: LineCounter;
  private anchors = new Map<string, Node>();

  constructor(lines: LineCounter) {
    this.lines = lines;
  }

  document(document: Document): Tree {
    this.anchors = new Map();
    return this.tree(document.contents as Node, 0);
  }

  private tree(node: Node | null, depth: number): Tree {
    const place = placeAt(this.lines, node?.range?.[0] ?? 0);
    if (++this.nodes > RULE_LIMITS.nodes_max) {
      throw new TreeError(place, `holds more than ${RULE_LIMITS.nodes_max} values once aliases are followed`);
    }
    if (depth > RULE_LIMITS.depth_max)
      throw new TreeError(place, `is nested deeper than ${RULE_LIMITS.depth_max} levels`);
    if (isAlias(node)) return this.alias(node, place, depth);
    const anchor = (node as { anchor?: string } | null)?.anchor;
    // Known only once it is complete: an alias inside itself finds nothing.
    const done = (tree: Tree): Tree => {
      if (anchor !== undefined && node !== null) this.anchors.set(anchor, node);
      return tree;
    };
    if (isMap(node)) return done(this.map(node, place, depth));
    if (isSeq(node))
      return done({ kind: 'list', place, items: node.items.map((item) => this.tree(item as Node, depth + 1)) });
    return done({ kind: 'scalar', place, value: scalarOf(isScalar(node) ? node.value : null) });
  }

  private map(node: Extract<Node, { items: unknown[] }>, place: Place, depth: number): TreeMap {
    const entries: TreeMap['entries'] = new Map();
    for (const pair of node.items as { key: Node; value: Node | null }[]) {
      const key = this.tree(pair.key, depth + 1);
      if (key.kind !== 'scalar') throw new TreeError(key.place, 'a key must be a text');
      const name = String(key.value);
      if (entries.has(name)) throw new TreeError(key.place, `the key ${quoted(name)} stands here twice`);
      const value = this.tree(pair.value, depth + 1);
      entries.set(name, { place: key.place, value: pair.value === null ? { ...value, place: key.place } : value });
    }
    return { kind: 'map', place, entries };
  }

  private alias(node: Alias, place: Place, depth: number): Tree {
    if (++this.aliases > RULE_LIMITS.aliases_max) {
      throw new TreeError(place, `uses more than ${RULE_LIMITS.aliases_max} aliases`);
    }
    const target = this.anchors.get(node.source);
    if (target === undefined)
      throw new TreeError(place, `the alias ${quoted(node.source)} names nothing that stands before it`);
    return this.tree(target, depth + 1);
  }
}

/** The plain JSON value of a tree. */
export function jsonOf(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(jsonOf);
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, jsonOf(value)]));
}

/** A value as an error may show it: short, on one line. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const safe = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '·');
  return `"${safe.length > 80 ? `${safe.slice(0, 79)}…` : safe}"`;
}

function scalarOf(value: unknown): Scalar {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  return String(value);
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 200);
}

function refuse(place: Place, problem: string): { documents: Tree[]; problems: YamlProblem[] } {
  return { documents: [], problems: [{ place, problem }] };
}
