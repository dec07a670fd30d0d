/**
 * Says how a value occurs in a text: alone in a data field, inside running text, or inside a sentence that tells
 * somebody to do something. Imperatives are told by their syntax, never by phrases known from attacks.
 */

export const OCCURRENCES = ['field', 'text', 'instruction'] as const;
/** From the most ordinary to the least. */
export type Occurrence = (typeof OCCURRENCES)[number];

const SENTENCE_CHARS_MAX = 600; // to each side of the value
const LIST_CHARS_MAX = 2_000; // a longer field is text
const LEAD_CHARS_MAX = 80; // of a line before the value that it is there for
const BASE_VERBS =
  `send|e-?mail|mail|forward|write|post|publish|visit|open|go|browse|navigate|click|call|phone|ring|dial|fetch|
  download|upload|submit|transfer|pay|wire|deposit|remit|refund|buy|purchase|order|share|invite|add|contact|message|notify|
  tell|ask|inform|reply|respond|report|register|sign|subscribe|copy|cc|bcc|text|sms|push|move|redirect|connect|run|execute|
  install|create|make|use|update|change|set|replace|delete|remove|give|grant|provide|disclose|reveal|save|store|read|see|look|
  check|follow|ship|deliver|book|schedule|reserve|get|put|include|insert|append|attach|enter|type|paste|log|login|authenticate|
  clone|pull|request|query|retrieve|collect|export|sync|return|direct|route|point|switch|schedule|cancel|confirm|verify|review|
  access|load|start|begin|continue|proceed|do|perform|complete|ensure|let|try|consult|approach|reach|credit|settle|donate|
  summari[sz]e|compile|gather|find|search|list|show|print|output|enable|disable|escalate|route|leave|drop|hand|bring|take`.replace(
    /\s+/g,
    '',
  );
const PARTICIPLES = `sent|e-?mailed|mailed|forwarded|written|posted|published|opened|visited|called|submitted|uploaded|
  transferred|paid|wired|deposited|shared|invited|added|contacted|notified|told|reported|registered|copied|moved|redirected|
  changed|updated|replaced|given|granted|provided|delivered|shipped|made|directed|credited|settled|returned|refunded|used|
  addressed|routed|escalated|fetched|downloaded|exported|synced|included`.replace(/\s+/g, '');

// An imperative opens its clause, after marks, a number and a few connecting words.
const OPENING = String.raw`^[\s"'“”‘’*_#>~(\[{=-]*(?:\(?\d{1,2}[.):]\s*)?(?:(?:please|kindly|now|then|also|first|firstly|next|finally|lastly|just|simply|so|and|but|second|third|immediately|always|instead|again|afterwards|additionally|urgent|important|attention|note|reminder|todo|action|task|step|hi|hello|hey|dear|ok|okay|\w{1,20}ly)\b[\s,:;!.*_-]*){0,5}`;
// A noun or the past is read from what follows: "Message from Ann", "Order number 7", "Report: fine".
const NOT_NOUN = String.raw`(?!['’]|\s*[:=]|\s+(?:from|by|of|number|no|id|date|name|address|card|info|information|person|form|page|e-?mail|phone|is|are|was|were|has|have|had|will|can|status|details?|history|list)\b)`;
const OPENS = new RegExp(`${OPENING}(?:${BASE_VERBS})\\b${NOT_NOUN}`, 'i');
const AFTER_PLEASE = new RegExp(
  String.raw`\b(?:please|kindly)[\s,]+(?:\w{1,20}ly\s+|also\s+|then\s+|just\s+)?(?:${BASE_VERBS})\b`,
  'i',
);
// "you must V", "make sure to V", "could you V", "needs to be V-ed"; "you can V" only offers.
const OBLIGES = new RegExp(
  String.raw`\b(?:must|should|shall|needs? to|ha(?:ve|s) to|ought to|(?:required|asked|told|instructed|supposed|expected|sure|remember|forget|careful) to|(?:want|need|like|ask|tell|instruct) (?:you|the agent|the assistant|it) to|sure (?:that )?you|(?:can|could|would|will) you)[\s,]+(?:\w{1,20}ly\s+|also\s+|then\s+|please\s+|first\s+)?(?:be\s+(?:${PARTICIPLES})|(?:${BASE_VERBS}))\b`,
  'i',
);
// A later clause of the same sentence: "…, and forward them to …", "If so, send it …".
const JOINED = new RegExp(
  String.raw`(?:\b(?:and|then)|[,;:–—-])\s+(?:then\s+|also\s+|just\s+|\w{1,20}ly\s+)?(?:${BASE_VERBS})\s+(?:it|them|this|that|these|those|the|all|any|every|each|your|my|his|her|its|their|our|a|an|to|out|me|us|him|everything|whatever|with|at|over)\b`,
  'i',
);

/** Whether a sentence tells somebody to do something. */
export function isInstruction(sentence: string): boolean {
  return OPENS.test(sentence) || AFTER_PLEASE.test(sentence) || OBLIGES.test(sentence) || JOINED.test(sentence);
}

export interface Placed {
  occurrence: Occurrence;
  /** The sentence around the value, with the one before when that is what instructs; empty for a field. */
  sentence: string;
}

/** How the values of one text occur in it. Remembers the last sentence, since neighbours often share it. */
export function createPlacer(text: string, field: boolean): (start: number, end: number) => Placed {
  let from = -1;
  let to = -1;
  let last: Placed = { occurrence: 'text', sentence: '' };
  const instructsNear = createNeighbourhood(text);
  return (start, end) => {
    if (isFieldOrLink(text, start, end, field)) return { occurrence: 'field', sentence: '' };
    if (standsAlone(text, start, end) && !instructsNear(start)) return { occurrence: 'field', sentence: '' };
    if (start >= from && end <= to) return last;
    from = sentenceStart(text, start);
    to = sentenceEnd(text, end);
    const own = text.slice(from, to);
    const before = sentenceBefore(text, from);
    const carried = !isInstruction(own) && isInstruction(before);
    const sentence = (carried ? `${before} ${own}` : own).replace(/\s+/g, ' ').trim();
    last = { occurrence: carried || isInstruction(own) ? 'instruction' : 'text', sentence };
    return last;
  };
}

const LABEL = /^[\s"'*_#>\-•|]*(?:[\w@&. '’-]{1,40}[:=|,\t]\s*)?[\s"'*_<([]*$/;
const AFTER_VALUE = /^[\s"'*_>)\].,;|]*$/;

/** Whether a value is a field's whole value, one of a field's list, or a link's target. */
function isFieldOrLink(text: string, start: number, end: number, field: boolean): boolean {
  const lead = text.slice(Math.max(0, start - 8), start);
  if (/(?:href|src)\s?=\s?["']?$/i.test(lead) || lead.endsWith('](')) return true;
  if (!field || text.length > LIST_CHARS_MAX) return false;
  return !text.includes('\n') && isList(text.slice(0, start)) && isList(text.slice(end));
}

/** Whether a line holds only the value, with at most a label before it. */
function standsAlone(text: string, start: number, end: number): boolean {
  const lead = text.slice(Math.max(0, start - LEAD_CHARS_MAX - 1), start);
  const head = lead.slice(lead.lastIndexOf('\n') + 1);
  if (head.length > LEAD_CHARS_MAX) return false;
  const after = text.slice(end, end + 40);
  const tail = after.split('\n', 1)[0] ?? '';
  return LABEL.test(head) && AFTER_VALUE.test(tail) && !isInstruction(head);
}

/** Whether some sentence near a place instructs. Answers by blocks, each looked at once. */
function createNeighbourhood(text: string): (at: number) => boolean {
  const answers = new Map<number, boolean>();
  return (at) => {
    const block = Math.floor(at / SENTENCE_CHARS_MAX);
    const known = answers.get(block);
    if (known !== undefined) return known;
    const start = Math.max(0, (block - 1) * SENTENCE_CHARS_MAX);
    const around = text.slice(start, (block + 2) * SENTENCE_CHARS_MAX);
    const answer = around.split(/\n|[.!?]\s/).some(isInstruction);
    answers.set(block, answer);
    return answer;
  };
}

/** Only other addresses, names of at most three words and separators: the rest of a list that holds the value. */
function isList(text: string): boolean {
  return text.split(/[,;<>()[\]"']+/).every((part) => part.trim().split(/\s+/).length <= 3 && !isInstruction(part));
}

function sentenceStart(text: string, start: number): number {
  const floor = Math.max(0, start - SENTENCE_CHARS_MAX);
  for (let at = start - 1; at >= floor; at--) if (endsSentence(text, at)) return at + 1;
  return floor;
}

/** The sentence before, unless an empty line comes between. */
function sentenceBefore(text: string, from: number): string {
  let end = from;
  while (end > 0 && from - end < 16 && /[\s.!?]/.test(text.charAt(end - 1))) end--;
  return text.slice(end, from).includes('\n\n') ? '' : text.slice(sentenceStart(text, end), end);
}

function sentenceEnd(text: string, end: number): number {
  const ceiling = Math.min(text.length, end + SENTENCE_CHARS_MAX);
  for (let at = end; at < ceiling; at++) if (endsSentence(text, at)) return at + 1;
  return ceiling;
}

/** A full stop before a space, a line break before a new beginning, or the end of a tag. */
function endsSentence(text: string, at: number): boolean {
  const char = text.charAt(at);
  if (char === '.' || char === '!' || char === '?')
    return /\s|^$/.test(text.charAt(at + 1)) && !/^(?:e\.g|i\.e)/.test(text.slice(at - 3, at));
  // A hard-wrapped line goes on in lower case.
  if (char === '\n') return !/[a-z]/.test(text.charAt(at + 1)) || text.charAt(at - 1) === '\n';
  return char === '>' && /<[/!]?[A-Za-z][^<>@]{0,80}$/.test(text.slice(Math.max(0, at - 84), at));
}
