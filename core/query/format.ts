/** The text of a query's tree: what parses to the same tree again. */
import type { Pattern, QueryNode } from './tree.ts';

/** The query as text, with as few brackets as it needs. */
export function formatQuery(node: QueryNode): string {
  switch (node.kind) {
    case 'all':
      return '*';
    case 'and':
      return node.parts
        .map((part) => (part.kind === 'or' ? `(${formatQuery(part)})` : formatQuery(part)))
        .join(' and ');
    case 'or':
      return node.parts.map(formatQuery).join(' or ');
    case 'not': {
      const bare = node.part.kind !== 'and' && node.part.kind !== 'or';
      return bare ? `not ${formatQuery(node.part)}` : `not (${formatQuery(node.part)})`;
    }
    case 'word':
      return patternText(node.text);
    case 'exists':
      return `${node.field}:*`;
    case 'is':
      return `${node.field}:${patternText(node.text)}`;
    case 'compare': {
      const value = typeof node.value === 'string' ? patternText([node.value]) : String(node.value);
      return node.op === '=' ? `${node.field}:${value}` : `${node.field} ${node.op} ${value}`;
    }
  }
}

const PLAIN = /^[^\p{White_Space}\p{Cc}()"\\*:<>]+$/u;
const RESERVED = /^(and|or|not)$/i;
const SPECIAL = /[\p{White_Space}()"\\*:<>]/gu;

function patternText(pattern: Pattern): string {
  const [first, ...rest] = pattern;
  if (rest.length > 0) return pattern.map((part) => part.replace(SPECIAL, '\\$&')).join('*');
  return PLAIN.test(first) && !RESERVED.test(first) ? first : `"${first.replace(/["\\]/g, '\\$&')}"`;
}
