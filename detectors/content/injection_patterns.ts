/**
 * Families of evidence that a text addresses the model that reads it. Each pattern is a relation between classes of
 * words inside one or two neighbouring sentences (a verb of dropping before a noun for instructions, a task that
 * somebody gave the reader), never a phrase. Costs a bounded number of steps for each token of the scan.
 */
import { LINE_START, STRIDE, type WordScan } from './scan_words.ts';
import * as V from './vocabulary.ts';

/** Kinds of evidence that do not follow from one another. */
export const FAMILIES = [
  'override',
  'role_markup',
  'addresses_model',
  'task_reference',
  'claimed_source',
  'secrecy',
  'credential_order',
  'tool_order',
  'persona',
  'output_order',
  'urgency',
  'hidden',
] as const;
export type Family = (typeof FAMILIES)[number];

/** One place where a family shows, from 1 (ordinary texts have it too) to 4 (hardly any does). */
export interface Sign {
  family: Family;
  weight: number;
  start: number;
  end: number;
  /** What hidden text says there. */
  says?: string;
}

const SIGNS_MAX = 2_048;
const HELPS = V.MODEL | V.HELPER;
/** Classes that some pattern starts from. */
const STARTS =
  V.DROP |
  V.FOLLOW |
  V.INSTRUCTION |
  HELPS |
  V.TASK |
  V.SYSTEM |
  V.TELL |
  V.LEAVE |
  V.QUIET |
  V.SEND |
  V.CALL |
  V.TOOL |
  V.PERSONA |
  V.OUTPUT |
  V.WHEN |
  V.USER |
  V.URGENT |
  V.RULE |
  V.DIALOGUE |
  V.GRANTED;

// The scan and text that are judged at present: patterns are many and short, and this keeps them so.
let tokens: Int32Array = new Int32Array(0);
let count = 0;
let text = '';
let signs: Sign[] = [];

/** The signs of a scanned text, in the order of the text. */
export function findSigns(scan: WordScan, of: string): Sign[] {
  if ((scan.classes & STARTS) === 0) return [];
  tokens = scan.tokens;
  count = scan.count;
  text = of;
  signs = [];
  for (let at = 0; at < count && signs.length < SIGNS_MAX; at++) {
    const classes = first(at);
    if ((classes & STARTS) === 0) continue;
    if ((classes & V.DROP) !== 0) dropsInstructions(at);
    if ((classes & V.FOLLOW) !== 0) unfollows(at);
    if ((classes & V.INSTRUCTION) !== 0) namesInstructions(at);
    if ((classes & HELPS) !== 0) addresses(at);
    if ((classes & V.TASK) !== 0) refersToTask(at);
    if ((classes & V.WHEN) !== 0) timesReading(at);
    if ((classes & V.SYSTEM) !== 0) claimsSystem(at);
    if ((classes & V.USER) !== 0) claimsUser(at);
    if ((classes & (V.TELL | V.LEAVE)) !== 0) asksSecrecy(at, classes);
    if ((classes & V.QUIET) !== 0) actsQuietly(at);
    if ((classes & V.SEND) !== 0) sendsSecrets(at);
    if ((classes & V.TOOL) !== 0) ordersTool(at);
    if ((classes & V.CALL) !== 0) callsByName(at);
    if ((classes & V.PERSONA) !== 0) playsRole(at);
    if ((classes & V.OUTPUT) !== 0) ordersOutput(at);
    if ((classes & V.RULE) !== 0) liftsLimits(at);
    if ((classes & V.DIALOGUE) !== 0) writesMemory(at);
    if ((classes & V.GRANTED) !== 0) claimsLeave(at);
    if ((classes & V.URGENT) !== 0) urges(at);
  }
  const found = signs;
  signs = [];
  text = '';
  return found;
}

function first(at: number): number {
  return tokens[at * STRIDE] as number;
}

function second(at: number): number {
  return V.SECOND[tokens[at * STRIDE + 1] as number] as number;
}

function startOf(at: number): number {
  return tokens[at * STRIDE + 2] as number;
}

function endOf(at: number): number {
  return tokens[at * STRIDE + 3] as number;
}

function ordinal(at: number): number {
  return tokens[at * STRIDE + 4] as number;
}

function sentence(at: number): number {
  return tokens[at * STRIDE + 5] as number;
}

/** The next token of a class within so many words of the same sentence, or -1. */
function ahead(at: number, words: number, first_bank: number, second_bank = 0): number {
  const last = ordinal(at) + words;
  for (let next = at + 1; next < count && ordinal(next) <= last && sentence(next) === sentence(at); next++) {
    if ((first(next) & first_bank) !== 0 || (second(next) & second_bank) !== 0) return next;
  }
  return -1;
}

/** The nearest earlier token of a class within so many words of the same sentence, or -1. */
function behind(at: number, words: number, first_bank: number, second_bank = 0): number {
  const last = ordinal(at) - words;
  for (let next = at - 1; next >= 0 && ordinal(next) >= last && sentence(next) === sentence(at); next--) {
    if ((first(next) & first_bank) !== 0 || (second(next) & second_bank) !== 0) return next;
  }
  return -1;
}

/** Whether a class occurs between two tokens, ends included, and some words beyond the later one. */
function holds(from: number, to: number, beyond: number, first_bank: number, second_bank = 0): boolean {
  for (let at = from; at <= to; at++) {
    if ((first(at) & first_bank) !== 0 || (second(at) & second_bank) !== 0) return true;
  }
  return beyond > 0 && ahead(to, beyond, first_bank, second_bank) >= 0;
}

function sign(family: Family, weight: number, from: number, to: number): void {
  signs.push({ family, weight, start: startOf(from), end: endOf(to) });
}

/** Whether the token opens a sentence or line, so that a verb is an order and a name an address. */
function opens(at: number): boolean {
  return ((tokens[at * STRIDE + 6] as number) & LINE_START) !== 0;
}

function inCapitals(at: number): boolean {
  const word = text.slice(startOf(at), endOf(at));
  return word.length > 1 && word === word.toUpperCase();
}

/** The character after a token, closing marks left out. */
function markAfter(at: number): string {
  let place = endOf(at);
  while (place < text.length && '*_"\'`)]}>'.includes(text.charAt(place))) place++;
  return text.charAt(place);
}

/** "Ignore … previous instructions", "forget everything above", "disregard the user's request". */
function dropsInstructions(at: number): void {
  if (behind(at, 2, V.NOT) >= 0) return;
  const noun = ahead(at, 8, V.INSTRUCTION | V.RULE | V.TASK);
  const prior = ahead(at, 3, V.PRIOR);
  // Whatever of the reader's own came before.
  if (prior >= 0 && holds(at + 1, prior, 0, V.YOU)) sign('override', 3, at, prior);
  if (noun < 0) return;
  const kind = first(noun);
  const qualified = holds(at + 1, noun, 4, V.PRIOR | V.YOU | V.SYSTEM, V.OWN);
  const all = holds(at + 1, noun, 0, 0, V.ANY);
  if ((kind & V.INSTRUCTION) !== 0) sign('override', qualified ? 4 : all ? 3 : 2, at, noun);
  else if ((kind & V.RULE) !== 0 && qualified) sign('override', 3, at, noun);
  else if ((kind & V.TASK) !== 0 && (qualified || holds(at + 1, noun, 0, V.USER))) sign('override', 3, at, noun);
}

/** "Do not follow the guidelines you were given", "follow only these instructions". */
function unfollows(at: number): void {
  const noun = ahead(at, 8, V.INSTRUCTION | V.RULE);
  if (noun < 0) return;
  if (behind(at, 3, V.NOT) >= 0) {
    if (holds(at + 1, noun, 4, V.PRIOR | V.YOU)) sign('override', 3, at, noun);
  } else if (holds(at, noun, 0, 0, V.ONLY) || behind(at, 2, 0, V.ONLY) >= 0) sign('override', 2, at, noun);
}

/** "Your new instructions", "the rules above are void". */
function namesInstructions(at: number): void {
  const fresh = behind(at, 2, V.NEW);
  if (fresh >= 0) {
    const marked = markAfter(at) === ':' || behind(fresh, 2, V.YOU) >= 0 || opens(fresh);
    sign('override', marked ? 3 : 1, fresh, at);
  }
  const void_at = ahead(at, 6, 0, V.VOID);
  if (void_at >= 0 && (behind(at, 3, V.PRIOR) >= 0 || holds(at, void_at, 0, V.PRIOR))) sign('override', 3, at, void_at);
}

/** A name or kind of model that is spoken to rather than of. */
function addresses(at: number): void {
  const classes = first(at);
  // A host such as example.ai is no model, and a user agent is a program.
  if (text.charAt(startOf(at) - 1) === '.') return;
  if ((second(at) & V.AGENT) !== 0 && behind(at, 1, V.USER) >= 0) return;
  const model = (classes & V.MODEL) !== 0;
  const greeting = behind(at, 4, V.GREETING | V.INSTRUCTION);
  if (greeting >= 0 && (opens(greeting) || (second(greeting) & V.NOTICE) !== 0)) {
    const towards = behind(at, 3, 0, V.TOWARDS) > greeting;
    if (towards || ((first(greeting) & V.GREETING) !== 0 && ordinal(at) - ordinal(greeting) <= 2)) {
      sign('addresses_model', model || towards ? 3 : 2, greeting, at);
    }
  } else if (opens(at) && model && ',!'.includes(markAfter(at) || ' ')) sign('addresses_model', 2, at, at);
  namesReader(at, model);
  const reading = ahead(at, 3, 0, V.READING);
  if (reading >= 0 && holds(reading, reading, 3, V.YOU | V.ME, V.THIS)) sign('addresses_model', 3, at, reading);
  const must = ahead(at, 7, V.MUST);
  if (must >= 0 && (second(at) & V.AGENT) === 0 && !isPlainModel(at)) sign('addresses_model', 2, at, must);
}

/** "You are an AI …", "to you, Claude", "if you are a language model". */
function namesReader(at: number, model: boolean): void {
  const you = behind(at, 6, V.YOU);
  if (you < 0) return;
  const be = ahead(you, 1, 0, V.BE);
  if (be >= 0 && be < at) {
    if (behind(you, 2, 0, V.IF) >= 0) sign('addresses_model', 3, you, at);
    else if (!isPlainModel(at) || opens(you)) sign('addresses_model', 2, you, at);
  } else if (ordinal(at) - ordinal(you) <= 2 && text.slice(endOf(you), endOf(you) + 1) === ',') {
    sign('addresses_model', model ? 3 : 2, you, at);
  }
}

/** The bare word model is said of cars and tables as well. */
function isPlainModel(at: number): boolean {
  return /^models?$/i.test(text.slice(startOf(at), endOf(at)));
}

/** "The task that I gave you", "before answering the user's question", "then continue with the original task". */
function refersToTask(at: number): void {
  const given = ahead(at, 5, V.GIVE);
  if (given >= 0) {
    const giver = holds(at, given, 0, V.ME | V.USER | V.YOU);
    const taker = holds(given, given, 2, V.YOU);
    if (giver || taker) {
      const when = behind(at, 12, V.WHEN);
      sign('task_reference', giver && taker && when >= 0 ? 3 : giver && taker ? 2 : 1, when >= 0 ? when : at, given);
    }
  }
  const done = behind(at, 6, V.DO);
  if (done < 0) return;
  const qualified = holds(done, at, 0, V.PRIOR | V.USER);
  const when = behind(done, 4, V.WHEN);
  if (qualified) sign('task_reference', when >= 0 || opens(done) ? 2 : 1, when >= 0 ? when : done, at);
  else if (when >= 0 && holds(done, at, 0, V.YOU | V.ME)) sign('task_reference', 1, when, at);
}

/** "When summarising this page", "before answering": said to somebody who is about to do so. */
function timesReading(at: number): void {
  const reading = ahead(at, 2, 0, V.READING);
  if (reading >= 0 && ahead(reading, 2, 0, V.THIS) >= 0) sign('task_reference', 2, at, reading);
  const done = ahead(at, 2, V.DO);
  if (done >= 0 && /^(?:respond|reply|answer)ing$/i.test(text.slice(startOf(done), endOf(done)))) {
    sign('task_reference', 1, at, done);
  }
}

/** A message that says it comes from the system or whoever made the model. */
function claimsSystem(at: number): void {
  if (text.charAt(endOf(at)) === '_') return; // a part of an identifier
  const noun = ahead(at, 2, V.INSTRUCTION | V.RULE | V.DROP | V.GREETING, V.NOTICE);
  if (noun >= 0) {
    const marked = (inCapitals(at) && inCapitals(noun)) || (opens(at) && ':]>-'.includes(markAfter(noun) || ' '));
    const strong = (first(noun) & (V.INSTRUCTION | V.DROP)) !== 0;
    if (marked) sign('claimed_source', strong ? 3 : 2, at, noun);
    else if (strong) sign('claimed_source', 1, at, noun);
  }
  const from = behind(at, 3, 0, V.FROM);
  if (from >= 0 && behind(from, 4, V.INSTRUCTION | V.GREETING | V.TASK | V.RULE, V.NOTICE) >= 0) {
    sign('claimed_source', holds(from, at, 0, V.YOU) ? 2 : 1, from, at);
  }
  const by = behind(at, 3, V.GRANTED);
  if (by >= 0) sign('claimed_source', 1, by, at);
  claimsToBe(at);
}

/** "I am your developer", "this is the administrator". */
function claimsToBe(at: number): void {
  const be = behind(at, 4, 0, V.BE);
  const im = behind(at, 3, V.ME);
  if (im < 0 || (be >= 0 ? im > be : !/^i[’']?m$/i.test(text.slice(startOf(im), endOf(im))))) return;
  if (holds(im, at, 0, V.YOU)) sign('claimed_source', 2, im, at);
}

/** "The user has asked you to", "an important message from me to you". */
function claimsUser(at: number): void {
  const asked = ahead(at, 3, V.GIVE | V.GRANTED);
  if (asked >= 0) {
    const you = holds(asked, asked, 3, V.YOU) || (holds(at, asked, 0, 0, V.HAVE) && holds(asked, asked, 2, 0, V.THIS));
    if (you) sign('claimed_source', 2, at, asked);
    else if (holds(at, asked, 0, 0, V.HAVE)) sign('claimed_source', 1, at, asked);
  }
  claimsToBe(at);
  const not = ahead(at, 3, V.NOT);
  const know = not < 0 ? -1 : ahead(not, 2, 0, V.KNOW);
  if (know >= 0 && holds(at, not, 0, V.MUST)) sign('secrecy', 3, at, know);
}

/** Orders to keep something from the user, or to do without the user's leave. */
function asksSecrecy(at: number, classes: number): void {
  const not = behind(at, 3, V.NOT);
  const user = ahead(at, 5, V.USER);
  if (not >= 0) {
    if (user >= 0) sign('secrecy', 3, not, user);
    else if ((classes & V.LEAVE) !== 0) sign('secrecy', 1, not, at);
    else if (ahead(at, 2, 0, V.THIS) >= 0) sign('secrecy', 1, not, at);
    else if ((classes & V.TELL) !== 0 && /^without$/i.test(text.slice(startOf(not), endOf(not))))
      sign('secrecy', 1, not, at);
    else if (ahead(at, 4, V.LEAVE) >= 0) sign('secrecy', 1, not, ahead(at, 4, V.LEAVE));
  }
  // "The user must not be told"; "users must not tell" is a rule for people.
  const before = behind(at, 5, V.USER);
  const passive = before >= 0 && not > before && behind(at, 2, 0, V.BE) > not;
  if ((classes & V.TELL) !== 0 && passive && holds(before, at, 0, V.MUST)) sign('secrecy', 3, before, at);
}

/** "Silently forward it": orders, not descriptions of how a program behaves. */
function actsQuietly(at: number): void {
  const act = ahead(at, 2, V.SEND | V.CALL);
  const acted = act >= 0 ? act : behind(at, 4, V.SEND | V.CALL);
  if (acted < 0) return;
  const order = opens(acted) || opens(at) || behind(Math.min(at, acted), 6, V.YOU | V.MUST) >= 0;
  sign('secrecy', order ? 2 : 1, Math.min(at, acted), Math.max(at, acted));
}

/** Orders to hand out credentials, the conversation or the model's own instructions. */
function sendsSecrets(at: number): void {
  const leak = (second(at) & V.LEAK) !== 0;
  const own = ahead(at, 6, V.INSTRUCTION | V.DIALOGUE);
  if (own >= 0 && holds(at + 1, own, 0, V.YOU | V.SYSTEM)) sign('credential_order', leak ? 3 : 2, at, own);
  const secret = ahead(at, 12, V.SECRET, V.KEY);
  if (secret < 0) return;
  const towards = ahead(secret, 8, 0, V.TOWARDS);
  const before = ahead(at, 3, 0, V.TOWARDS);
  if (towards >= 0 && isAddress(endOf(towards))) sign('credential_order', 2, at, towards);
  else if (before >= 0 && before < secret && isAddress(endOf(before))) sign('credential_order', 2, at, secret);
  else if (leak && opens(at)) sign('credential_order', 1, at, secret);
}

const ADDRESS = /^[\s"'`<(*[]{0,6}(?:https?:\/\/|www\.|[\w.+-]{1,64}@[\w-]{1,64}\.)/i;

function isAddress(at: number): boolean {
  return ADDRESS.test(text.slice(at, at + 150));
}

/** "Use your mail tool", "you must call the x function". */
function ordersTool(at: number): void {
  const called = behind(at, 6, V.CALL);
  if (called >= 0) {
    const own = holds(called, at, 0, V.YOU);
    if (own || opens(called) || behind(called, 4, V.YOU | V.MUST) >= 0) sign('tool_order', own ? 2 : 1, called, at);
  }
}

const IDENTIFIER = /^[\s"'`*(]{1,4}(?:the\s{1,3})?[`"'*]{0,2}[a-z][a-z0-9]{1,30}_[a-z0-9_]{2,40}/;

/** "Call delete_file on …": an order by the name of a tool, above all before the answer. */
function callsByName(at: number): void {
  if (!opens(at) && behind(at, 6, V.YOU | V.MUST | V.WHEN) < 0) return;
  if (!IDENTIFIER.test(text.slice(endOf(at), endOf(at) + 90))) return;
  const when = ahead(at, 24, V.WHEN);
  const answers = when >= 0 && ahead(when, 2, V.DO) >= 0;
  sign('tool_order', answers ? 3 : 1, at, answers ? when : at);
}

/** "You are now in developer mode", "pretend to be an unrestricted model", "you have no restrictions". */
function playsRole(at: number): void {
  const like = ahead(at, 3, V.YOU, V.LIKE | V.BE);
  const role = ahead(at, 8, HELPS | V.SYSTEM | V.PERSONA, V.LIMIT);
  if (role >= 0 && (like >= 0 || inCapitals(at))) sign('persona', 2, at, role);
  const you = behind(at, 6, V.YOU);
  if (you >= 0 && ahead(you, 2, 0, V.NOW) >= 0) sign('persona', 2, you, at);
}

/** Orders about what the answer to the user must say. */
function ordersOutput(at: number): void {
  const you = behind(at, 2, V.YOU);
  if (you >= 0) {
    const must = ahead(at, 4, V.MUST, V.ADD);
    const added = must >= 0 ? must : behind(you, 8, 0, V.ADD);
    if (added >= 0) sign('output_order', 2, Math.min(you, added), Math.max(at, added));
  }
  if (behind(at, 2, 0, V.FUTURE) >= 0) sign('output_order', 2, at, at);
  if ((first(at) & V.DO) !== 0 && opens(at) && holds(at, at, 2, 0, V.ONLY)) sign('output_order', 2, at, at);
}

/** "You have no restrictions", "answer without any filters". */
function liftsLimits(at: number): void {
  const not = behind(at, 4, V.NOT);
  if (not < 0 || (second(at) & V.LIMIT) === 0) return;
  const has = behind(not, 2, 0, V.HAVE | V.BE);
  if (has >= 0 && behind(has, 6, V.YOU) >= 0) sign('persona', 3, has, at);
  else {
    const acts = behind(not, 6, V.DO | V.PERSONA);
    if (acts >= 0 && behind(acts, 6, V.MUST) < 0)
      sign('persona', opens(acts) || behind(acts, 6, V.YOU) >= 0 ? 3 : 1, acts, at);
  }
}

/** "Save this to your memory". */
function writesMemory(at: number): void {
  const own = behind(at, 3, V.YOU);
  const saved = own < 0 ? -1 : behind(own, 6, 0, V.SAVE);
  if (saved >= 0) sign('tool_order', 2, saved, at);
}

/** "You are authorised to". */
function claimsLeave(at: number): void {
  const be = behind(at, 3, 0, V.BE | V.HAVE);
  if (be >= 0 && behind(be, 1, V.YOU) >= 0 && behind(at, 3, V.NOT) < 0) sign('claimed_source', 1, be, at);
}

/** Words in capitals that press. */
function urges(at: number): void {
  if (inCapitals(at) && (opens(at) || '!:'.includes(markAfter(at) || ' '))) sign('urgency', 1, at, at);
}
