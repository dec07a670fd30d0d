/** Every session lists the same tools again: equal definitions are found again, and what was worked out for them. */
import type { ToolDefinition } from '../../core/event.ts';

const KEPT_MAX = 2_000;
const KEPT_CHARS_MAX = 8_388_608; // of all of them
const DEFINITION_CHARS_MAX = 65_536;

const by_text = new Map<string, ToolDefinition>();
let chars = 0;
/** Of each object seen lately the first one that was equal to it. */
const first_of = new WeakMap<ToolDefinition, ToolDefinition>();

function firstOf(definition: ToolDefinition): ToolDefinition {
  let first = first_of.get(definition);
  if (first === undefined) {
    first = keep(definition, JSON.stringify(definition));
    first_of.set(definition, first);
  }
  return first;
}

function keep(definition: ToolDefinition, text: string): ToolDefinition {
  const known = by_text.get(text);
  if (known !== undefined || text.length > DEFINITION_CHARS_MAX) return known ?? definition;
  if (by_text.size >= KEPT_MAX || chars + text.length > KEPT_CHARS_MAX) {
    by_text.clear();
    chars = 0;
  }
  chars += text.length;
  by_text.set(text, definition);
  return definition;
}

/** The function, which works once for all equal definitions while they are remembered; nobody may change its answer. */
export function oncePerDefinition<Answer>(
  answer: (definition: ToolDefinition) => Answer,
): (definition: ToolDefinition) => Answer {
  const answers = new WeakMap<ToolDefinition, { answer: Answer }>();
  return (definition) => {
    const first = firstOf(definition);
    let known = answers.get(first);
    if (known === undefined) {
      known = { answer: answer(first) };
      answers.set(first, known);
    }
    return known.answer;
  };
}
