/** The texts of published tools as one each, scanned once for all detectors of content. */
import type { ProvenanceEvent, ToolDefinition } from '../../core/event.ts';
import { definitionTexts } from '../tools/definition_texts.ts';
import { oncePerDefinition } from '../tools/same_definition.ts';
import { type ContentView, viewContent } from './content_view.ts';
import { sightsOf, type TextSights } from './injection_evidence.ts';
import { rememberLast } from './remember_last.ts';

export interface DefinitionSights {
  definition: ToolDefinition;
  view: ContentView;
  seen: TextSights;
}

const DEFINITION_CHARS_MAX = 65_536;

/** The definitions of a list of tools with what was seen in their names, titles, descriptions and schemas. */
export const definitionSights: (event: ProvenanceEvent) => DefinitionSights[] = rememberLast((event: ProvenanceEvent) =>
  (event.tools ?? []).map((definition) => ({ definition, ...seenIn(definition) })),
);

const seenIn = oncePerDefinition((definition): Omit<DefinitionSights, 'definition'> => {
  const text = [definition.name, ...definitionTexts(definition).map((each) => each.text)].join('\n\n');
  const view = viewContent(text, DEFINITION_CHARS_MAX);
  return { view, seen: sightsOf(view) };
});
