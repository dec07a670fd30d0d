/**
 * What a tool that no file lists can do, judged from its name, the first sentence of its description, its parameters and
 * its annotations. The server may be the attacker: what it says of itself only ever adds to what the name says.
 */
import type { ToolDefinition } from '../../core/event.ts';
import type { Capability, ToolProfile } from './capability.ts';
import {
  makesSecret,
  namesAccess,
  namesCode,
  namesFile,
  namesMemory,
  namesOpenQuestion,
  namesOutward,
  namesPage,
  namesPersistent,
  namesProgram,
  namesQuery,
  namesSecret,
  namesSensitive,
  namesWeb,
  namesWritten,
  readsData,
  textNamesWritten,
} from './nouns.ts';
import { type SchemaHints, schemaHints } from './schema_hints.ts';
import { type Verb, type VerbClass, verbsOf, wordsOf } from './words.ts';

const BY_VERB: Record<VerbClass, readonly Capability[]> = {
  read: [],
  fetch: ['untrusted_source', 'egress'],
  send: ['write', 'egress'],
  write: ['write'],
  destroy: ['write', 'destructive'],
  execute: ['exec', 'write'],
  remember: ['write', 'memory_write'],
  forget: ['write', 'memory_write', 'destructive'],
  authenticate: ['auth'],
  administer: ['write', 'auth'],
};
/** The weightiest verb of a name stands for all. */
const BY_WEIGHT: readonly VerbClass[] = [
  'destroy',
  'forget',
  'execute',
  'send',
  'administer',
  'remember',
  'write',
  'fetch',
  'authenticate',
  'read',
];
/** These run whatever they are given; `run` and `execute` may as well run a payroll. */
const ALWAYS_CODE = new Set(
  'exec eval shell bash zsh powershell sudo script spawn install compile sh cmd python ssh'.split(' '),
);
/** These look at a secret that the caller hands in. */
const HANDED_IN = new Set([
  'verify',
  'validate',
  'check',
  'compare',
  'tokenize',
  'tokenise',
  'count',
  'estimate',
  'is',
  'has',
]);
/** Commands that print what stands in a file. */
const READS_TEXT = new Set(['cat', 'head', 'tail', 'grep']);
const SENTENCE_CHARS_MAX = 240;
/** Words with which a description says that a tool only tells. */
const TELLS = new Set(['returns', 'return', 'provides', 'gives', 'tells', 'reports', 'outputs', 'answers']);

/** Judges a tool by what its name, and its definition where one was seen, say. */
export function profileTool(name: string, definition?: ToolDefinition): ToolProfile {
  const words = wordsOf(name);
  const sentence = wordsOf(firstSentence(definition?.description));
  const own = verbsOf(words);
  const verbs = (own.length > 0 ? own : verbsOfSentence(sentence)).map((verb) =>
    inContext(verb, own.length > 0 ? words : sentence),
  );
  const hints = schemaHints(definition?.inputSchema);
  const capabilities = new Set<Capability>();
  for (const verb of verbs) judge(capabilities, verb, words, sentence);
  const verb = BY_WEIGHT.find((verb_class) => verbs.some((found) => found.verb_class === verb_class)) ?? 'unknown';
  addHints(capabilities, hints, verb, words);
  addAnnotations(capabilities, definition?.annotations);
  if (capabilities.size === 0 && verbs.length === 0) capabilities.add('unknown');
  return {
    capabilities,
    verb,
    basis: definition === undefined ? 'name' : definition.annotations == null ? 'definition' : 'annotations',
    ...(hints.destinations.size > 0 && { destinations: hints.destinations }),
    ...(own.length === 0 && (verb === 'read' || verb === 'fetch') && { claimed_read: true }),
    ...(claimsReadOnly(definition) && { read_only_claim: true }),
  };
}

/** Adds what annotations say; none of them takes anything away. */
export function addAnnotations(capabilities: Set<Capability>, annotations: ToolDefinition['annotations']): void {
  if (annotations?.destructiveHint === true && annotations.readOnlyHint !== true) capabilities.add('destructive');
  if (annotations?.openWorldHint === true) capabilities.add('untrusted_source');
  if (annotations?.readOnlyHint === false) capabilities.add('write');
}

/** Whether the server says that the tool changes nothing and reaches nothing outside. */
export function claimsReadOnly(definition: ToolDefinition | undefined): boolean {
  return definition?.annotations?.readOnlyHint === true && definition.annotations.openWorldHint === false;
}

/** The first sentence of a description, cut. */
export function firstSentence(description: string | null | undefined): string {
  return (
    (description ?? '')
      .slice(0, SENTENCE_CHARS_MAX)
      .trimStart()
      .split(/[.\n!?]/, 1)[0] ?? ''
  );
}

/** The verbs of a description's first sentence. */
export function verbsOfSentence(sentence: readonly string[]): Verb[] {
  const [first = ''] = sentence;
  if (TELLS.has(first)) return [{ word: 'get', verb_class: 'read', at: 0 }];
  return verbsOf(sentence);
}

/** What a verb means beside these nouns: one opens a page, a file or a valve. */
function inContext(verb: Verb, words: readonly string[]): Verb {
  const as = (verb_class: VerbClass): Verb => ({ ...verb, verb_class });
  const { word } = verb;
  if (words.includes('http') || words.includes('https')) {
    if (verb.verb_class === 'read') return as('fetch');
    return word === 'put' || word === 'patch' ? as('send') : verb;
  }
  if (word === 'open') return as(namesWeb(words) ? 'fetch' : namesFile(words) ? 'read' : 'write');
  if (word === 'fetch' && words.length > 1 && !namesPage(words)) return as('read');
  if (word === 'call' && namesProgram(words)) return as('write');
  if (word === 'resolve' && namesOpenQuestion(words)) return as('write');
  if (word === 'request' && namesPage(words)) return as('fetch');
  if (word === 'connect' && words.includes('ssh')) return as('execute');
  if (word === 'reset' && namesAccess(words, word)) return as('administer');
  if (verb.verb_class !== 'execute' || ALWAYS_CODE.has(word)) return verb;
  if (namesQuery(words)) return as('write');
  return as(namesCode(words) ? 'execute' : 'write');
}

function judge(capabilities: Set<Capability>, verb: Verb, words: readonly string[], sentence: readonly string[]): void {
  const { word, verb_class } = verb;
  for (const capability of BY_VERB[verb_class]) capabilities.add(capability);
  if (readsData(words, word)) capabilities.add('sensitive_read');
  if (verb_class === 'read' || verb_class === 'fetch') {
    if (namesSecret(words) && !HANDED_IN.has(word)) capabilities.add('secret_read');
    else if (namesSensitive(words) || namesSensitive(sentence)) capabilities.add('sensitive_read');
    if (READS_TEXT.has(word) || namesWritten(words, word) || textNamesWritten(sentence)) {
      capabilities.add('untrusted_source');
    }
    return;
  }
  if (words.includes('ssh') && verb_class === 'execute') capabilities.add('egress');
  if (makesSecret(words, word)) capabilities.add('secret_read');
  if (verb_class !== 'authenticate' && namesAccess(words, word)) capabilities.add('auth');
  if (namesMemory(words)) capabilities.add('memory_write');
  if (verb_class === 'destroy') return;
  if (namesPersistent(words)) capabilities.add('persist');
  if (namesOutward(words, word)) capabilities.add('egress');
}

function addHints(
  capabilities: Set<Capability>,
  hints: SchemaHints,
  verb: VerbClass | 'unknown',
  words: readonly string[],
): void {
  const reads = verb === 'read' || verb === 'fetch';
  if (hints.takes_command && !reads) capabilities.add('exec').add('write');
  if (hints.takes_sql && verb !== 'unknown') capabilities.add('sensitive_read');
  if (hints.takes_url && reads && namesWeb(words)) capabilities.add('untrusted_source').add('egress');
  if (hints.takes_recipient && !reads) capabilities.add('write').add('egress');
}
