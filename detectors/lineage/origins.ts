/** Says for each parameter of a call where its value came from: the user's prompt, an earlier result, or nowhere seen. */
import { parameterRole } from '../catalog/destinations.ts';
import type { Edge, Origin } from './edge.ts';
import { extractValues } from './extract_values.ts';
import type { Leaf } from './leaves.ts';
import type { PromptMemory } from './prompt_memory.ts';
import { TextScan } from './text_scan.ts';

/** The share of a longer parameter's words that the user must have said. */
const PROMPT_SHARE_MIN = 0.6;
/** A weaker edge is less telling than the user's own words. */
const WEAK = 0.3;

const origin_scan = new TextScan();

/** The origin of every parameter, in their order. */
export function originsOf(leaves: readonly Leaf[], edges: readonly Edge[], prompts: PromptMemory): Origin[] {
  const best = new Map<string, Edge>();
  for (const edge of edges) {
    const before = best.get(edge.path);
    if (before === undefined || edge.strength > before.strength) best.set(edge.path, edge);
  }
  return leaves.map((leaf): Origin => {
    const edge = best.get(leaf.path);
    const { path } = leaf;
    if (edge === undefined) return { path, origin: isFromPrompt(leaf, prompts) ? 'prompt' : 'agent' };
    const said = edge.in_prompt || (edge.strength < WEAK && isFromPrompt(leaf, prompts));
    return { path, origin: said ? 'prompt' : 'result', edge };
  });
}

/** Whether the user said a parameter, or most of it, or named the address that it is. */
function isFromPrompt(leaf: Leaf, prompts: PromptMemory): boolean {
  const scan = origin_scan.scan(leaf.text);
  const said = prompts.share(scan, 0, scan.words - 1);
  if (said >= (scan.words <= 3 ? 1 : PROMPT_SHARE_MIN)) return true;
  const values = extractValues(leaf.text, parameterRole(leaf.name));
  return values.length > 0 && values.every((value) => prompts.names(value));
}
