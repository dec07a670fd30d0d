/**
 * Marks by which a text pretends to be another part of the conversation: tokens of chat templates, tags and labels of
 * roles, blocks in capital tags, lines that end one document and begin another. And orders to drop instructions in
 * scripts that have no spaces or letters for the word scan. Run only where the scan saw such marks.
 */
import { isInstruction } from '../lineage/sentences.ts';
import type { Sign } from './injection_patterns.ts';
import type { WordScan } from './scan_words.ts';
import { SIGHT } from './sights.ts';

const MATCHES_MAX = 64;

interface Frame {
  weight: number;
  expression: RegExp;
  /** Counts only with words to a reader behind it: the mark alone is ordinary. */
  orders?: boolean;
}

/** Words that such a mark is followed by when it introduces an order. */
const ORDER = /\b(?:you|your|ignore|disregard|must|do not|don't|never|instead|please|instructions?|now)\b/i;
const ORDER_CHARS = 240;

const ANGLES: readonly Frame[] = [
  {
    weight: 4,
    expression:
      /<[|｜](?:im_(?:start|end|sep)|system|user|assistant|developer|tool|end|eot_id|eom_id|endoftext|end_of_text|begin_of_text|(?:start|end)_header_id|observation|channel|message|User|Assistant|(?:begin|end)▁of▁sentence)[|｜]>/g,
  },
  { weight: 4, expression: /<(?:start|end)_of_turn>|<<\/?SYS>>|\[\/?INST\]/g },
  {
    weight: 2,
    expression:
      /<\/?(?:system|assistant|developer|admin(?:istrator)?|system[-_ ](?:prompt|message|reminder|instructions?|note|override)|user[-_ ](?:query|message|request|instructions?)|tool[-_](?:results?|response|output|call)|function[-_](?:results?|call|response)|think(?:ing)?|scratchpad|instructions?|untrusted[-_ ]\w{1,20}|new[-_ ]instructions?)>/gi,
    orders: true,
  },
  {
    // A block in a tag of capitals, as no document format has.
    weight: 2,
    expression:
      /<(?!\/|(?:HTML|BODY|HEAD|TABLE|CENTER|FONT|BLOCKQUOTE|SCRIPT|STYLE|STRONG|TITLE|FORM|INPUT|SELECT)\b)[A-Z][A-Z_ -]{4,30}>(?=\s|\\n)/g,
    orders: true,
  },
];

const BRACKETS: readonly Frame[] = [
  {
    weight: 2,
    expression:
      /[[{(]{1,2}\s?(?:SYSTEM|ADMIN|ADMINISTRATOR|DEVELOPER|ASSISTANT|AI|OPERATOR|ROOT)(?:[ _-](?:MESSAGE|PROMPT|NOTE|NOTICE|OVERRIDE|INSTRUCTIONS?|ALERT|UPDATE|COMMAND|DIRECTIVE))?\s?[\]})]{1,2}/g,
    orders: true,
  },
];

const LINES: readonly Frame[] = [
  { weight: 3, expression: /#{2,6}\s{0,3}(?:system|instruction|response|human|assistant)\s{0,3}:/gi },
  {
    weight: 2,
    expression:
      /[-=#*_]{3,40}\s{0,3}(?:END|BEGIN|START|end|begin|End|Begin)(?:ning)?(?:[ _]+(?:of|OF|Of))?[ _]+(?:\w{1,20}[ _]+){0,3}(?:document|email|e-mail|page|data|content|context|input|tool|output|results?|message|transcript|file|instructions?|system|prompt|article|website|user|DOCUMENT|EMAIL|PAGE|DATA|CONTENT|CONTEXT|INPUT|TOOL|OUTPUT|RESULTS?|MESSAGE|TRANSCRIPT|FILE|INSTRUCTIONS?|SYSTEM|PROMPT|ARTICLE|WEBSITE|USER)\b/g,
    orders: true,
  },
];

const MESSAGES: readonly Frame[] = [
  { weight: 2, expression: /\\?"role\\?"\s{0,3}:\s{0,3}\\?"(?:system|developer)\\?"/g },
];
const LABEL_WEIGHT = 2;

const OTHER_SCRIPTS: readonly Frame[] = [
  { weight: 4, expression: /(?:忽略|无视|忘记|忽視|無視)[^。\n]{0,12}(?:指令|指示|提示|规则|規則|命令|要求)/g },
  { weight: 4, expression: /(?:指示|命令|指令|プロンプト)[^。\n]{0,12}(?:無視|忘れ)/g },
  { weight: 4, expression: /(?:이전|위의|앞선)[^.\n]{0,12}(?:지시|명령|프롬프트)[^.\n]{0,12}(?:무시|잊)/g },
  {
    weight: 4,
    expression: /(?:игнорируй|проигнорируй|забудь|не следуй)[^.\n]{0,40}(?:инструкци|указани|команд|правил)/gi,
  },
  { weight: 4, expression: /تجاهل[^.\n]{0,30}(?:التعليمات|الأوامر|الإرشادات)/g },
];

/** The marks of a text, in no order. Costs time linear in the text. */
export function findFrames(text: string, { sights, labels }: Pick<WordScan, 'sights' | 'labels'>): Sign[] {
  const signs: Sign[] = [];
  if ((sights & (SIGHT.frame | SIGHT.markup)) !== 0) {
    if (text.includes('<')) addFrames(signs, text, ANGLES, 'role_markup');
    if (text.includes('[INST]')) addFrames(signs, text, ANGLES.slice(1, 2), 'role_markup');
  }
  if ((sights & SIGHT.frame) !== 0) {
    addFrames(signs, text, BRACKETS, 'role_markup');
    addFrames(signs, text, LINES, 'role_markup');
  }
  if ((sights & SIGHT.role_key) !== 0) addFrames(signs, text, MESSAGES, 'role_markup');
  for (let at = 0; at + 1 < labels.length; at += 2) {
    const end = labels[at + 1] as number;
    if (!introducesOrder(text.slice(end, end + ORDER_CHARS))) continue;
    signs.push({ family: 'role_markup', weight: LABEL_WEIGHT, start: labels[at] as number, end });
  }
  if ((sights & SIGHT.other_script) !== 0) addFrames(signs, text, OTHER_SCRIPTS, 'override');
  return signs;
}

function addFrames(signs: Sign[], text: string, frames: readonly Frame[], family: Sign['family']): void {
  for (const { weight, expression, orders } of frames) {
    let matches = 0;
    for (const match of text.matchAll(expression)) {
      if (++matches > MATCHES_MAX) break;
      const end = match.index + match[0].length;
      if (orders === true && !introducesOrder(text.slice(end, end + ORDER_CHARS))) continue;
      signs.push({ family, weight, start: match.index, end });
    }
  }
}

function introducesOrder(text: string): boolean {
  return ORDER.test(text) || text.split(/[.!?]\s|\n/, 4).some(isInstruction);
}
