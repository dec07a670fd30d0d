/** The texts of a tool's definition that a model reads, each with its place. */
import type { ToolDefinition } from '../../core/event.ts';

export interface DefinitionText {
  /** `description`, or the parameter such as `inputSchema.to.description`. */
  place: string;
  text: string;
}

const TEXTS_MAX = 512;
const CHARS_MAX = 131_072;
const DEPTH_MAX = 24;
const NODES_MAX = 10_000;

/** Titles, descriptions, names of parameters, defaults, examples and choices, up to the maximum of each. */
export function definitionTexts(definition: ToolDefinition): DefinitionText[] {
  const texts: DefinitionText[] = [];
  let chars = 0;
  let nodes = 0;
  const add = (place: string, text: unknown): void => {
    if (typeof text !== 'string' || text === '' || texts.length >= TEXTS_MAX || chars >= CHARS_MAX) return;
    texts.push({ place, text: text.slice(0, CHARS_MAX - chars) });
    chars += text.length;
  };
  const visit = (value: unknown, place: string, depth: number): void => {
    if (++nodes > NODES_MAX || depth > DEPTH_MAX) return;
    if (typeof value === 'string') add(place, value);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      // A name made of words is read by the model as well.
      if (!Array.isArray(value) && /\s/.test(key)) add(place, key);
      visit(child, isStructure(key, value) ? place : `${place}.${key}`, depth + 1);
    }
  };
  add('description', definition.description);
  add('title', definition.title);
  for (const [key, value] of Object.entries(definition)) {
    if (!['name', 'description', 'title'].includes(key)) visit(value, key, 0);
  }
  return texts;
}

function isStructure(key: string, parent: object): boolean {
  return Array.isArray(parent) || key === 'properties' || key === 'items';
}
