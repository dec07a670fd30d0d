/** The definitions of a `tools/list` result in the form that events take, with a digest of each. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/json/canonical.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Redactor } from '../redaction/redactor.ts';
import { objectOf } from './mcp_message.ts';

export interface ReadTools {
  tools: Record<string, unknown>[];
  extra: Record<string, unknown>;
}

/** Undefined when the result holds no list of tools. */
export function readTools(result: Record<string, unknown> | undefined, redactor: Redactor): ReadTools | undefined {
  if (!Array.isArray(result?.tools)) return undefined;
  const listed = result.tools as unknown[];
  const tools: Record<string, unknown>[] = [];
  const odd: unknown[] = [];
  const definition_sha256: Record<string, string> = {};
  for (const value of listed) {
    const tool = objectOf(redactor.clean(value).value);
    if (tool === undefined || !isDefinition(tool) || tools.length >= LIMITS.tools_max) {
      if (odd.length < 32) odd.push(JSON.stringify(value).slice(0, 2_048).toWellFormed());
      continue;
    }
    tools.push(tool);
    definition_sha256[tool.name as string] = digestOf(value);
  }
  return {
    tools,
    extra: {
      definition_sha256,
      list_sha256: digestOf(listed),
      ...(odd.length > 0 && { not_definitions: odd, left_out: listed.length - tools.length }),
    },
  };
}

function isDefinition({ name, title, description, annotations }: Record<string, unknown>): boolean {
  return (
    typeof name === 'string' &&
    name.length > 0 &&
    name.length <= LIMITS.name_chars_max &&
    (title === undefined || typeof title === 'string') &&
    (description === undefined || description === null || typeof description === 'string') &&
    (annotations === undefined || annotations === null || objectOf(annotations) !== undefined)
  );
}

/** Of the canonical JSON (RFC 8785); of plain JSON for what that form does not hold. */
function digestOf(value: unknown): string {
  let text: string;
  try {
    text = canonicalJson(value);
  } catch {
    text = JSON.stringify(value);
  }
  return createHash('sha256').update(text).digest('hex');
}
