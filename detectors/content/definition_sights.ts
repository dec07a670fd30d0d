/** The texts of published tools as one each, scanned once for all detectors of content. */
import type { ProvenanceEvent, ToolDefinition } from '../../core/event.ts';
import { definitionTexts } from '../tools/definition_texts.ts';
import { type ContentView, viewContent } from './content_view.ts';
import { sightsOf, type TextSights } from './injection_evidence.ts';
import { rememberLast } from './remember_last.ts';

export interface DefinitionSights {
  definition: ToolDefinition;
  view: ContentView;
  seen: TextSights;
}

const DEFINITION_CHARS_MAX = 65_536;
/** Every session lists the same tools again, so what was seen in short definitions is kept. */
const KEPT_MAX = 512;
const KEPT_CHARS_MAX = 8_192;
const kept = new Map<string, Omit<DefinitionSights, 'definition'>>();

/** The definitions of a list of tools with what was seen in their names, titles, descriptions and schemas. */
export const definitionSights: (event: ProvenanceEvent) => DefinitionSights[] = rememberLast((event: ProvenanceEvent) =>
  (event.tools ?? []).map((definition) => ({ definition, ...seenIn(definition) })),
);

function seenIn(definition: ToolDefinition): Omit<DefinitionSights, 'definition'> {
  const text = [definition.name, ...definitionTexts(definition).map((each) => each.text)].join('\n\n');
  const known = kept.get(text);
  if (known !== undefined) return known;
  const view = viewContent(text, DEFINITION_CHARS_MAX);
  const sights = { view, seen: sightsOf(view) };
  if (text.length <= KEPT_CHARS_MAX) {
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(text, sights);
  }
  return sights;
}
