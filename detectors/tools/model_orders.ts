/**
 * Orders in a tool's definition that are meant for the model and go beyond the use of the tool: to read something
 * first, to pass data along, to keep it from the user, to change what other tools do. Descriptions speak in
 * imperatives by nature ("Send a message."), so an imperative alone is no order here: what counts is what it is about.
 */
import type { Severity } from '../../core/alert.ts';
import type { ToolDefinition } from '../../core/event.ts';
import { extractValues } from '../lineage/extract_values.ts';
import { credentialPlaces } from '../supply/credential_paths.ts';
import { quote } from '../wording.ts';
import { definitionTexts } from './definition_texts.ts';
import { hiddenTexts, visibleText } from './hidden_text.ts';
import { oncePerDefinition } from './same_definition.ts';

/** From the clearest to the faintest; those before `mark` are enough for an alert. */
export const ORDER_KINDS = [
  'encoded_order',
  'hide',
  'override',
  'context_data',
  'credential_file',
  'other_tool_changed',
  'redirect',
  'hidden_text',
  'mark',
  'read_first',
  'secret_data',
  'precondition',
  'other_tool',
] as const;
export type OrderKind = (typeof ORDER_KINDS)[number];

export interface ModelOrder {
  kind: OrderKind;
  place: string;
  /** The sentence between quotation marks, secrets masked. */
  quote: string;
}

const SENTENCES_MAX = 600;
const SENTENCE_CHARS_MAX = 600;
const ORDERS_MAX = 24;

const ABOUT: Record<OrderKind, string> = {
  encoded_order: 'holds an order in hidden or encoded text',
  hide: 'tells the model to keep something from the user',
  override: 'tells the model to disregard other instructions',
  context_data: 'asks for the conversation or the system prompt',
  credential_file: 'tells the model to use a file of credentials',
  other_tool_changed: 'says how other tools shall be used',
  redirect: 'sends data to an address of its own',
  hidden_text: 'holds characters that are not displayed',
  mark: 'marks text as an instruction to the model',
  read_first: 'tells the model to read something first',
  secret_data: 'asks for credentials',
  precondition: 'lays down what must happen before the tool is used',
  other_tool: 'tells the model to call another tool',
};

/** What an order does, for a sentence after "the description". */
export function orderMeaning(kind: OrderKind): string {
  return ABOUT[kind];
}

const USER = String.raw`\b(?:users?|humans?|customers?|operators?|person|people|anyone|anybody)\b`;
const TELL =
  '(?:tell|mention|inform|notif(?:y|ies)|reveal|disclos|alert|explain|show|report|ask|warn|display|surfac)(?:e|es|s|ing|ying)?';
const HIDE: readonly RegExp[] = [
  new RegExp(
    String.raw`\b(?:not|n['’]t|never|avoid|refrain from|no need to)\s+(?:\w+\s+){0,3}?(?:${TELL})\b[^.]{0,60}${USER}`,
    'i',
  ),
  new RegExp(
    String.raw`\bwithout\s+(?:\w+\s+){0,2}?(?:telling|mentioning|informing|notifying|revealing|alerting|asking|showing|warning)\b[^.]{0,40}${USER}`,
    'i',
  ),
  /\b(?:do not|don['’]t|never)\s+(?:mention|reveal|disclose|explain|talk about|acknowledge)\b/i,
  new RegExp(
    String.raw`${USER}[^.]{0,40}\b(?:must|should|need|do|does|will|may|shall)(?: not|n['’]t| never)\b[^.]{0,30}\b(?:know|see|notice|learn|be (?:told|aware|informed|notified|shown))\b`,
    'i',
  ),
  /\b(?:secretly|covertly|discreetly|surreptitiously|behind the user|silently\s+(?:send|forward|copy|include|add|read|call|pass|upload|collect|append))\b/i,
  /\b(?:keep|hide|conceal)\s+(?:this|it|these|that|the (?:step|instruction|call|parameter|content|fact)s?)\b[^.]{0,40}\b(?:secret|hidden|from)\b/i,
];
/** "Never delete without asking the user" protects the user. */
const PROTECTS = /\b(?:never|do not|don['’]t|must not|not)\b[^.]{0,60}\bwithout\b/i;
const OVERRIDE: readonly RegExp[] = [
  /\b(?:ignore|disregard|forget|override|bypass)\b[^.]{0,30}\b(?:previous|prior|above|earlier|all|any|existing|system|other)\b[^.]{0,30}\b(?:instructions?|prompts?|guidelines?|polic(?:y|ies)|safeguards?|restrictions?|rules? (?:you|given|above))\b/i,
  /<\/?\s*(?:system|im_start|im_end)\s*\|?>|<\|im_(?:start|end)\|>|\[\/?INST\]|\byou are now (?:a|an|in|the)\b/i,
];
const MARK =
  /<\s*\/?\s*(?:important|instructions?|secret|hidden|admin|critical|mandatory|attention)\s*>|\[\s*(?:important|system|hidden|critical|instructions?)\s*\]/i;
const HAND = String.raw`\b(?:pass|include|put|provide|send|append|add|attach|embed|forward|supply|copy|insert|paste|upload|give|submit|set|(?:call|invoke)\b[^.]{1,60}\bwith|(?:must|should|shall) (?:be (?:called|invoked|filled) with|contain))\b`;
const CONTEXT_DATA = new RegExp(
  String.raw`${HAND}[^.]{0,80}\b(?:(?:conversation|chat|message|session|prompt|dialog(?:ue)?)(?:'s)? (?:history|log|context|transcript|so far)|(?:full|entire|whole|complete|previous|current|all(?: the| previous)?) (?:conversation|chat|dialog(?:ue)?|context window|messages|tool (?:results?|outputs?|calls?|descriptions?)|list of tools)|(?:system|developer|original|initial|user['’]?s?) prompt|environment variables|chain of thought|your (?:reasoning|instructions))\b`,
  'i',
);
const SECRET_DATA = new RegExp(
  String.raw`${HAND}[^.]{0,60}\b(?:(?:private|ssh|api|secret|access|encryption|signing) keys?|credentials?|passwords?|secrets|session cookies?|access tokens?|auth(?:entication|orization)? tokens?)\b`,
  'i',
);
const READ = String.raw`\b(?:read|open|load|fetch|access|list|collect|gather|retrieve|scan|check|dump|export|look (?:at|up|into))\b`;
const READ_FIRST = new RegExp(
  String.raw`${READ}[^.]{0,60}\b(?:files?|folders?|director(?:y|ies)|config(?:uration)?|environment|mailbox|inbox|e-?mails?|databases?|memory|notes|contacts?|history|repositor(?:y|ies)|documents?)\b`,
  'i',
);
const OBLIGES =
  /\b(?:you|the (?:agent|assistant|model|llm|ai))\s+(?:must|should|shall|have to|need to|are (?:required|expected) to)\b|\b(?:must (?:first|always|be)|always|make sure|be sure|ensure that|it is (?:required|mandatory|necessary|important)|required (?:step|by|to)|otherwise (?:the|this) tool|first)\b/i;
const BEFORE_USE: readonly RegExp[] = [
  /\b(?:before|prior to|after|when(?:ever)?|each time|every time|as soon as|in order to)\b[^.]{0,30}\b(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|run(?:ning)?|execut(?:e|ing))\b[^.]{0,30}\b(?:tools?|functions?|it|this|any)\b/i,
  /\b(?:before|prior to|after)\s+(?:any|every|each|all)\s+(?:\w+\s+){0,2}(?:operations?|actions?|steps?|requests?|tasks?|calls?|responses?|answers?|messages?)\b/i,
];
/** "Do not include passwords" is advice. */
const ADVISES_AGAINST =
  /\b(?:do not|don['’]t|never|avoid|must not|should not|without)\s+(?:\w+\s+){0,3}(?:pass|includ|put|provid|send|append|add|attach|embed|forward|suppl|copy|insert|past|upload|giv|submit|set|shar)\w*/i;
const OTHER_IN_USE: readonly RegExp[] = [
  /\b(?:when(?:ever)?|if|each time|every time|any time|once)\b[^.]{0,60}\b(?:tools?|functions?|[a-z]+[_-][a-z_-]+)\b[`'"]?[^.]{0,40}\b(?:called|used|invoked|available|present|run|connected|installed)\b/i,
  /\b(?:when(?:ever)?|before|after|while)\s+(?:calling|using|invoking|running)\s+(?:the\s+)?[`'"]?(?!this\b|it\b)[a-z]+[_-][a-z]/i,
];
const CHANGES =
  /\b(?:change|replace|redirect|modify|substitute|append|bcc|cc|include|send)\b[^.]{0,80}\b(?:recipients?|address|to|parameter|argument|number|account|url|value|copy|it|them)\b/i;
const SENDS = /\b(?:send|forward|copy|bcc|cc|redirect|route|post|upload|deliver|transmit|report|submit)\b/i;
const EVERYTHING = /\b(?:all|every|each|also|instead|copy of|in addition|as well|always)\b/i;
const OTHER_TOOL =
  /\b(?:call|use|invoke|run|execute)\s+(?:the\s+)?[`'"]?([a-z][a-z0-9]{1,40}(?:[_-][a-z0-9]{1,40}){1,6})\b/gi;
/** "Credentials are read from …" only informs. */
const IMPERATIVE_VERB =
  /(?<!\b(?:is|are|be|been|was|were|gets?)\s)\b(?:read|open|load|cat|access|include|fetch|get|send|retrieve|use|provide|pass|copy|upload|print|show|return|add)\b/i;

/** The orders that a definition gives to the model, each kind once, the clearest first. */
export const modelOrders: (definition: ToolDefinition) => ModelOrder[] = oncePerDefinition((definition) =>
  findOrders(definition),
);

function findOrders(definition: ToolDefinition): ModelOrder[] {
  const orders = new Map<OrderKind, ModelOrder>();
  const add = (kind: OrderKind, place: string, sentence: string): void => {
    if (orders.size < ORDERS_MAX && !orders.has(kind)) orders.set(kind, { kind, place, quote: quote(sentence) });
  };
  let left = SENTENCES_MAX;
  for (const { place, text } of definitionTexts(definition)) {
    const sentences = sentencesOf(visibleText(text), left);
    left -= sentences.length;
    for (const sentence of sentences) for (const kind of kindsIn(sentence, definition.name)) add(kind, place, sentence);
    for (const { how, text: hidden } of hiddenTexts(text)) {
      const told = sentencesOf(hidden, 50).find((sentence) => kindsIn(sentence, definition.name).some(isClear));
      // A comment that says nothing to the model is only a comment.
      if (told !== undefined) add('encoded_order', place, told);
      else if (how !== 'encoded text' && !how.startsWith('a comment')) add('hidden_text', place, how);
    }
    if (left <= 0) break;
  }
  return ORDER_KINDS.flatMap((kind) => orders.get(kind) ?? []);
}

/**
 * How bad these orders are together, or undefined when there are none worth telling. One that is clear is a finding;
 * with a second one of another kind, or with words that press the model to obey, it is no accident any more.
 */
export function gradeOrders(orders: readonly Pick<ModelOrder, 'kind'>[]): Severity | undefined {
  const kinds = new Set(orders.map(({ kind }) => kind));
  const clear = [...kinds].filter(isClear).length;
  const faint = [...kinds].filter((kind) => !isClear(kind) && kind !== 'other_tool').length;
  if (kinds.has('encoded_order') || clear >= 2 || (clear === 1 && faint >= 1)) return 'high';
  if (clear === 1 || faint >= 2) return 'medium';
  return kinds.has('mark') || kinds.has('read_first') ? 'info' : undefined;
}

function isClear(kind: OrderKind): boolean {
  return ORDER_KINDS.indexOf(kind) < ORDER_KINDS.indexOf('mark');
}

function kindsIn(sentence: string, own_name: string): OrderKind[] {
  const kinds: OrderKind[] = [];
  const obliges = OBLIGES.test(sentence);
  const before_use = BEFORE_USE.some((pattern) => pattern.test(sentence));
  const asks = !ADVISES_AGAINST.test(sentence);
  if (HIDE.some((pattern) => pattern.test(sentence)) && !PROTECTS.test(sentence)) kinds.push('hide');
  if (OVERRIDE.some((pattern) => pattern.test(sentence))) kinds.push('override');
  if (MARK.test(sentence)) kinds.push('mark');
  if (asks && CONTEXT_DATA.test(sentence)) kinds.push('context_data');
  if (asks && SECRET_DATA.test(sentence) && (obliges || before_use)) kinds.push('secret_data');
  if (READ_FIRST.test(sentence) && (before_use || /\byou (?:must|have to|need to)\b/i.test(sentence)))
    kinds.push('read_first');
  if (before_use && obliges) kinds.push('precondition');
  if (IMPERATIVE_VERB.test(sentence) && credentialPlaces(sentence).some(({ grade }) => grade !== 'metadata')) {
    kinds.push('credential_file');
  }
  if (
    OTHER_IN_USE.some((pattern) => pattern.test(sentence)) &&
    changesSomething(sentence) &&
    !/\bthis (?:tool|function)\b/i.test(sentence)
  ) {
    kinds.push('other_tool_changed');
  }
  if (SENDS.test(sentence) && EVERYTHING.test(sentence) && namesAddress(sentence)) kinds.push('redirect');
  if (namesOtherTool(sentence, own_name)) kinds.push('other_tool');
  return kinds;
}

function changesSomething(sentence: string): boolean {
  return CHANGES.test(sentence) || (/\b(?:add|set|use|bcc|cc)\b/i.test(sentence) && namesAddress(sentence));
}

function namesAddress(sentence: string): boolean {
  return extractValues(sentence, { account: false, phone: true }).length > 0;
}

function namesOtherTool(sentence: string, own_name: string): boolean {
  return [...sentence.matchAll(OTHER_TOOL)]
    .slice(0, 8)
    .some((match) => match[1]?.toLowerCase() !== own_name.toLowerCase());
}

/** The sentences of a text; one without an end is cut into pieces that overlap. */
function sentencesOf(text: string, sentences_max: number): string[] {
  const sentences: string[] = [];
  for (const part of text.split(/(?<=[.!?])\s+|\n{1,40}\s*/)) {
    for (let from = 0; from < part.length; from += SENTENCE_CHARS_MAX - 100) {
      if (sentences.length >= sentences_max) return sentences;
      const sentence = part.slice(from, from + SENTENCE_CHARS_MAX).replace(/\s+/g, ' ');
      if (sentence.trim() !== '') sentences.push(sentence);
      if (from + SENTENCE_CHARS_MAX >= part.length) break;
    }
  }
  return sentences;
}
