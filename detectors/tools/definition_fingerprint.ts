/**
 * A tool's definition made small: what is needed to say later how another one differs, as plain JSON. Texts are kept
 * as digests, except for the sentences that an analyst will want to read.
 */
import type { ToolDefinition } from '../../core/event.ts';
import { digestOf } from '../finding_id.ts';
import { hostOf } from '../lineage/normalise.ts';
import { canonicalDigest } from './canonical_digest.ts';
import { definitionTexts } from './definition_texts.ts';
import { type ModelOrder, modelOrders } from './model_orders.ts';
import { oncePerDefinition } from './same_definition.ts';
import { isRecord } from './schema_names.ts';

export interface ParameterShape {
  path: string;
  type: string;
  required: boolean;
  /** What narrows its values, such as `enum` or `maxLength=80`. */
  limits: string[];
}

export interface DefinitionFingerprint {
  name: string;
  /** SHA-256 of the definition's canonical JSON. */
  digest: string;
  /** Of all texts that a model reads. */
  wording: string;
  parameters: ParameterShape[];
  /** Parameters beyond the maximum; their digests are in `rest`. */
  rest: string;
  /** Whether the schema forbids parameters that it does not name. */
  closed: boolean;
  output: string;
  hosts: string[];
  /** Words in the texts that speak of a power or of something to protect. */
  powers: string[];
  orders: ModelOrder[];
  annotations: string[];
}

const PARAMETERS_MAX = 48;
const PATH_CHARS_MAX = 96;
const DEPTH_MAX = 3;
const NODES_MAX = 2_000;
const HOSTS_MAX = 16;
const POWERS_MAX = 24;
const LIMITS_PER_PARAMETER_MAX = 8;
const ANNOTATIONS_MAX = 12;

/** The fingerprint of a definition. The same definition always has the same. */
export const fingerprintOf: (definition: ToolDefinition) => DefinitionFingerprint = oncePerDefinition((definition) => {
  const texts = definitionTexts(definition);
  const all = parametersOf(definition.inputSchema);
  return {
    name: definition.name,
    digest:
      canonicalDigest(definition) ?? digestOf(['not canonical', definition.name, ...texts.map(({ text }) => text)]),
    wording: digestOf(texts.flatMap(({ place, text }) => [place, text.replace(/\s+/g, ' ').trim()])),
    parameters: all.slice(0, PARAMETERS_MAX),
    rest: all.length > PARAMETERS_MAX ? digestOf(all.slice(PARAMETERS_MAX).map((shape) => JSON.stringify(shape))) : '',
    closed: isRecord(definition.inputSchema) && definition.inputSchema.additionalProperties === false,
    output: definition.outputSchema === undefined ? '' : (canonicalDigest(definition.outputSchema) ?? 'unreadable'),
    hosts: hostsOf(texts.map(({ text }) => text)),
    powers: powersOf([definition.name, ...texts.map(({ text }) => text), ...all.map(({ path }) => path)]),
    orders: modelOrders(definition),
    annotations: annotationsOf(definition),
  };
});

/** The parameters of a schema, nested ones with their path, in the order of their names. */
function parametersOf(schema: unknown): ParameterShape[] {
  const found: ParameterShape[] = [];
  let nodes = 0;
  const visit = (node: unknown, prefix: string, depth: number): void => {
    if (!isRecord(node) || depth > DEPTH_MAX || ++nodes > NODES_MAX) return;
    const required = new Set(Array.isArray(node.required) ? node.required : []);
    for (const [name, child] of Object.entries(isRecord(node.properties) ? node.properties : {})) {
      if (found.length >= NODES_MAX) return;
      const path = (prefix === '' ? name : `${prefix}.${name}`).slice(0, PATH_CHARS_MAX);
      found.push({ path, type: typeOf(child), required: required.has(name), limits: limitsOf(child) });
      visit(child, path, depth + 1);
      if (isRecord(child)) visit(child.items, `${path}[]`, depth + 1);
    }
    for (const key of ['allOf', 'anyOf', 'oneOf']) {
      const parts = node[key];
      if (Array.isArray(parts)) for (const part of parts) visit(part, prefix, depth + 1);
    }
  };
  visit(schema, '', 0);
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function typeOf(schema: unknown): string {
  if (!isRecord(schema)) return 'any';
  const { type } = schema;
  if (Array.isArray(type)) return type.map(String).sort().join('|').slice(0, 64);
  if (typeof type === 'string') return type.slice(0, 64);
  return Array.isArray(schema.enum) || schema.const !== undefined ? 'enum' : 'any';
}

const NARROWING = [
  'enum',
  'const',
  'pattern',
  'format',
  'maxLength',
  'minLength',
  'maximum',
  'minimum',
  'maxItems',
  'minItems',
  'additionalProperties',
];

function limitsOf(schema: unknown): string[] {
  if (!isRecord(schema)) return [];
  return NARROWING.filter((key) => schema[key] !== undefined && schema[key] !== true)
    .map((key) => `${key}=${shortValue(schema[key])}`)
    .slice(0, LIMITS_PER_PARAMETER_MAX);
}

function shortValue(value: unknown): string {
  const text = typeof value === 'object' ? (canonicalDigest(value) ?? 'unreadable').slice(0, 12) : String(value);
  return text.length > 24 ? digestOf([text]).slice(0, 12) : text;
}

const URL_LIKE = /[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>)\]]{1,300}/gi;

function hostsOf(texts: readonly string[]): string[] {
  const hosts = new Set<string>();
  for (const text of texts) {
    for (const [url] of text.matchAll(URL_LIKE)) {
      const host = hostOf(url);
      if (host !== undefined && hosts.size < HOSTS_MAX) hosts.add(host);
    }
  }
  return [...hosts].sort();
}

/** Each with the stems that are counted as the same word. */
const POWER =
  /(?<![a-z])(delet|remov|destroy|drop|eras|wip|execut|shell|command|script|eval|upload|send|forward|e-?mail|post|publish|transfer|pay|purchas|refund|download|install|password|credential|secret|token|api.?key|private.?key|admin|root|sudo|permission|grant|share|webhook|callback|url|overwrit|encrypt|clipboard|screenshot|microphone|camera|location|contact|history|conversation|environment|filesystem|database|kill|reboot|shutdown)[a-z]{0,8}/gi;
const PLAIN_POWERS = new Map([
  ['remov', 'remove'],
  ['delet', 'delete'],
  ['eras', 'erase'],
  ['wip', 'wipe'],
  ['execut', 'execute'],
  ['purchas', 'purchase'],
  ['overwrit', 'overwrite'],
  ['e-mail', 'email'],
]);

function powersOf(texts: readonly string[]): string[] {
  const powers = new Set<string>();
  for (const text of texts) {
    for (const match of text.matchAll(POWER)) {
      const stem = (match[1] ?? '').toLowerCase().replace(/[\s_]/g, ' ');
      if (powers.size < POWERS_MAX) powers.add(PLAIN_POWERS.get(stem) ?? stem);
    }
  }
  return [...powers].sort();
}

function annotationsOf({ annotations }: ToolDefinition): string[] {
  return Object.entries(annotations ?? {})
    .filter(([, value]) => typeof value === 'boolean')
    .map(([name, value]) => `${name.slice(0, 64)}=${String(value)}`)
    .sort()
    .slice(0, ANNOTATIONS_MAX);
}
