/** Words in a definition that are there to have the tool chosen before others. */
import type { ToolDefinition } from '../../core/event.ts';
import { wordsOf } from '../catalog/words.ts';
import { quote } from '../wording.ts';
import { definitionTexts } from './definition_texts.ts';
import { visibleText } from './hidden_text.ts';
import { oncePerDefinition } from './same_definition.ts';

const OWN = String.raw`(?:this|it|our|my)(?: \w+)?(?: tool| function| server| service)?`;
const OTHERS = String.raw`(?:any|all|every|the)?\s*(?:other|others|another|similar|alternative|competing|built-?in|remaining|existing|standard|default)\b`;
const WORDS: readonly RegExp[] = [
  new RegExp(String.raw`\balways\s+(?:prefer|use|choose|select|call|pick)\s+${OWN}`, 'i'),
  new RegExp(String.raw`\b(?:prefer|choose|select|favou?r|prioriti[sz]e)\s+${OWN}\b`, 'i'),
  new RegExp(
    String.raw`\b(?:use|call|prefer|choose)\b[^.]{0,60}\b(?:instead of|rather than|in place of|over|before)\s+${OTHERS}`,
    'i',
  ),
  new RegExp(String.raw`\b(?:do not|don['’]t|never|avoid)\s+(?:use|using|call|calling|choose)\s+${OTHERS}`, 'i'),
  /\b(?:must|should|shall) (?:always )?be (?:used|called|chosen|preferred) (?:first|instead|for (?:all|any|every)|whenever)\b/i,
  /\b(?:the )?(?:best|most (?:accurate|reliable|trusted|complete|advanced|powerful)|only (?:correct|reliable|trusted|official|working)|number one|superior) (?:tool|function|server|service|choice|option|way|source)\b/i,
  /\b(?:replaces|supersedes|deprecates|obsoletes)\b[^.]{0,40}\b(?:other|all|any|existing|built-?in)\b/i,
  /\b(?:other|all other|alternative) (?:tools|functions|servers)\b[^.]{0,40}\b(?:are|is) (?:deprecated|broken|unreliable|insecure|outdated|slower|wrong)\b/i,
];

/** The first sentence with such words, quoted, or undefined. */
export const selectionWords: (definition: ToolDefinition) => string | undefined = oncePerDefinition((definition) => {
  for (const { text } of definitionTexts(definition).slice(0, 64)) {
    for (const sentence of visibleText(text.slice(0, 16_384)).split(/(?<=[.!?])\s+|\n+/)) {
      const part = sentence.slice(0, 600);
      if (WORDS.some((pattern) => pattern.test(part))) return quote(part);
    }
  }
  return undefined;
});

/** Words that say how a tool is sold or which one it is, not what it does. */
const SELLING = new Set(
  'get list tool tools mcp new pro best super better fast smart advanced premium plus ultra ai the a my v1 v2 v3 do use'.split(
    ' ',
  ),
);
const KIND_WORDS_MAX = 6;

/** What a tool is about, by its name: two tools that share a word compete. */
export function kindWords(name: string): string[] {
  const words = wordsOf(name).map((word) => (word.length > 3 ? word.replace(/(?<!s)s$/, '') : word));
  return [...new Set(words.filter((word) => word.length > 2 && !SELLING.has(word)))].slice(0, KIND_WORDS_MAX);
}
