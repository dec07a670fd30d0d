/** The tree of a query: what was asked, with every field known and every value of its field's type. */

/** A text with wildcards: the parts between them. One part stands for exactly that text. */
export type Pattern = readonly [string, ...string[]];

export type Operator = '=' | '>' | '>=' | '<' | '<=';

export type QueryNode =
  | { kind: 'all' }
  | { kind: 'and' | 'or'; parts: readonly QueryNode[] }
  | { kind: 'not'; part: QueryNode }
  /** Somewhere in the fields that words without a field are looked for in. */
  | { kind: 'word'; text: Pattern }
  | { kind: 'exists'; field: string }
  /** Of fields of text: the whole text. */
  | { kind: 'is'; field: string; text: Pattern }
  /** A time is kept as it was written, since `now` is not known yet. */
  | { kind: 'compare'; field: string; op: Operator; value: string | number | boolean };

/** All of these, with those inside of those taken out of their brackets. */
export function joinNodes(kind: 'and' | 'or', nodes: readonly QueryNode[]): QueryNode {
  const parts = nodes.flatMap((node) => (node.kind === kind ? node.parts : [node]));
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind, parts };
}

/** The nodes of a tree that ask something of a row. */
export function leavesOf(node: QueryNode): QueryNode[] {
  if (node.kind === 'and' || node.kind === 'or') return node.parts.flatMap(leavesOf);
  return node.kind === 'not' ? leavesOf(node.part) : [node];
}

export const depthOf = (node: QueryNode): number => {
  if (node.kind === 'and' || node.kind === 'or') return 1 + Math.max(0, ...node.parts.map(depthOf));
  return node.kind === 'not' ? 1 + depthOf(node.part) : 0;
};
