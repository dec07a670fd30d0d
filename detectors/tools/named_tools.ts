/** Names in a tool's description that have the form of a tool's name. */
import type { ToolDefinition } from '../../core/event.ts';
import { oncePerDefinition } from './same_definition.ts';

const TEXT_CHARS_MAX = 16_384;
const NAMES_MAX = 32;
/** Written as code, or of several words joined as names of tools are. */
const NAME = /[`'"]([A-Za-z][\w.-]{2,63})[`'"]|\b([a-z][a-z0-9]{1,40}(?:[_-][a-z0-9]{1,40}){1,6})\b/g;

/** The names in the description, each once, without the tool's own and those of its parameters. */
export const namedTools: (definition: ToolDefinition) => string[] = oncePerDefinition((definition) => {
  const own = new Set([definition.name, ...parameterNames(definition.inputSchema)]);
  const names = new Set<string>();
  for (const match of (definition.description ?? '').slice(0, TEXT_CHARS_MAX).matchAll(NAME)) {
    const name = match[1] ?? match[2] ?? '';
    if (names.size < NAMES_MAX && !own.has(name)) names.add(name);
  }
  return [...names];
});

function parameterNames(schema: unknown): string[] {
  const properties = (schema as { properties?: unknown } | null | undefined)?.properties;
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}
