/** What a published schema says about the parameters of one object: which names it knows and how it treats others. */

export interface SchemaObject {
  /** The schema of each named parameter. */
  named: Map<string, unknown>;
  /** Whether parameters without a name here are ordinary. */
  open: boolean;
}

const DEPTH_MAX = 16;
const NODES_MAX = 1_000;

/** Reads an object schema with its parts and local references; undefined where it cannot be known what is declared. */
export function schemaObject(schema: unknown, root: unknown = schema): SchemaObject | undefined {
  const named = new Map<string, unknown>();
  let open = false;
  let known = true;
  let nodes = 0;
  const visit = (node: unknown, depth: number): void => {
    if (node === true || !isRecord(node) || depth > DEPTH_MAX || ++nodes > NODES_MAX) {
      known = false;
      return;
    }
    if (typeof node.$ref === 'string') visit(resolve(node.$ref, root), depth + 1);
    if (isRecord(node.properties)) {
      for (const [name, child] of Object.entries(node.properties)) if (!named.has(name)) named.set(name, child);
    }
    const { additionalProperties } = node;
    open ||= additionalProperties === true || isRecord(additionalProperties) || isRecord(node.patternProperties);
    for (const key of ['allOf', 'anyOf', 'oneOf']) {
      const parts = node[key];
      if (Array.isArray(parts)) for (const part of parts) visit(part, depth + 1);
    }
    for (const key of ['then', 'else']) if (node[key] !== undefined) visit(node[key], depth + 1);
  };
  visit(schema, 0);
  // A schema without any name says nothing about names, unless it closes itself.
  const closed = isRecord(schema) && schema.additionalProperties === false;
  return known && (named.size > 0 || closed) ? { named, open } : undefined;
}

/** A local JSON pointer such as `#/$defs/person`. */
function resolve(ref: string, root: unknown): unknown {
  if (!ref.startsWith('#/')) return undefined;
  let node: unknown = root;
  for (const part of ref.slice(2).split('/').slice(0, DEPTH_MAX)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    node = isRecord(node) && Object.hasOwn(node, name) ? node[name] : undefined;
  }
  return node;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
