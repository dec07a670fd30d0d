/**
 * The words by which a tool is known: those of its name, and where the name holds no verb, those of the first sentence
 * of its description. A name may say nothing, but what a tool does must stand somewhere for the model to use it.
 */
import type { ToolDefinition } from '../../core/event.ts';
import { firstSentence, verbsOfSentence } from '../catalog/heuristic.ts';
import { type VerbClass, verbsOf, wordsOf } from '../catalog/words.ts';
import { type Lexeme, lexemeOf } from './lexicon.ts';

export interface ToolWords {
  verb: VerbClass | undefined;
  /** The verb. */
  verbs: readonly Lexeme[];
  /** The other words. */
  objects: readonly Lexeme[];
  /** Nothing says what the tool does: its words count only where somebody uses them. */
  vague: boolean;
}

const TOOLS_KEPT_MAX = 1_000;
const OBJECTS_MAX = 4; // from a description
const kept = new Map<string, ToolWords>();

/** The words of a tool, with its definition where one was seen. Remembered for as many tools as are in use. */
export function toolWordsOf(tool: string, definition?: ToolDefinition): ToolWords {
  // Nothing else of a description counts, and a server may write as much as it likes.
  const sentence = firstSentence(definition?.description);
  const key = `${tool}\u0000${sentence}`;
  let words = kept.get(key);
  if (words === undefined) {
    if (kept.size >= TOOLS_KEPT_MAX) kept.clear();
    words = readName(tool) ?? readSentence(tool, wordsOf(sentence));
    kept.set(key, words);
  }
  return words;
}

function readName(tool: string): ToolWords | undefined {
  const words = wordsOf(tool);
  const [verb] = verbsOf(words);
  if (verb === undefined) return undefined;
  const others = words.filter((_, at) => at !== verb.at);
  return {
    verb: verb.verb_class,
    verbs: [lexemeOf(words[verb.at] as string)],
    objects: meaningful(others),
    vague: false,
  };
}

function readSentence(tool: string, sentence: readonly string[]): ToolWords {
  const [verb] = verbsOfSentence(sentence);
  const own = meaningful(wordsOf(tool));
  if (verb === undefined) return { verb: undefined, verbs: [], objects: own, vague: true };
  const said = meaningful(sentence.filter((_, at) => at !== verb.at)).slice(0, OBJECTS_MAX);
  return { verb: verb.verb_class, verbs: [lexemeOf(verb.word)], objects: said, vague: false };
}

function meaningful(words: readonly string[]): Lexeme[] {
  return words.map(lexemeOf).filter((lex) => lex.weight > 0);
}
