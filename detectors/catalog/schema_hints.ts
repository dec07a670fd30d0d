/** What a tool's published parameters say: where something goes, and whether commands or queries come in. */
import { holdsWord, wordSet, wordsOf } from './words.ts';

export interface SchemaHints {
  /** Parameters that say where something goes, by name and, inside objects, by dotted path. */
  destinations: ReadonlySet<string>;
  takes_command: boolean;
  takes_sql: boolean;
  takes_url: boolean;
  takes_recipient: boolean;
}

const PROPERTIES_MAX = 256;
const DEPTH_MAX = 6;
const TEXT_CHARS_MAX = 300;
const DESTINATION_FORMATS = new Set([
  'email',
  'idn-email',
  'uri',
  'url',
  'iri',
  'hostname',
  'idn-hostname',
  'ipv4',
  'ipv6',
]);
const SAYS_DESTINATION =
  /\b(?:recipients?|send(?:s|ing)? (?:\w+ ){0,3}to|deliver(?:ed|y)? (?:\w+ ){0,2}to|destination|invitees?|webhook|callback url|phone number to|(?:url|address|host|site|page) to (?:post|send|fetch|open|visit|navigate|scrape|crawl|call|load|request|download))\b/i;
/** Where something comes from, or what is only compared, is no destination. */
const NOT_DESTINATION = wordSet(
  'from sender source src origin filter query search subject body text content message title',
);
const COMMAND = wordSet('command cmd shell script bash powershell');
const SQL = wordSet('sql');
const URL = wordSet('url uri href');
const RECIPIENT = wordSet('recipient bcc cc');
const NOTHING: SchemaHints = {
  destinations: new Set(),
  takes_command: false,
  takes_sql: false,
  takes_url: false,
  takes_recipient: false,
};

/** Reads an input schema as far as it is understood; whatever is too large, too deep or of another form is left out. */
export function schemaHints(schema: unknown): SchemaHints {
  if (!isObject(schema)) return NOTHING;
  const destinations = new Set<string>();
  const hints = { destinations, takes_command: false, takes_sql: false, takes_url: false, takes_recipient: false };
  let left = PROPERTIES_MAX;
  const visit = (node: unknown, name: string, path: string, depth: number): void => {
    if (!isObject(node) || depth > DEPTH_MAX || left <= 0) return;
    if (isObject(node.properties)) {
      for (const [key, child] of Object.entries(node.properties)) {
        if (left-- <= 0) return;
        const inner = path === '' ? key : `${path}.${key}`;
        judge(child, key, inner);
        visit(child, key, inner, depth + 1);
      }
    }
    if (isObject(node.items)) {
      left--;
      if (name !== '') judge(node.items, name, path);
      visit(node.items, name, path, depth + 1);
    }
  };
  const judge = (node: unknown, name: string, path: string): void => {
    const words = wordsOf(name);
    hints.takes_command ||= holdsWord(words, COMMAND);
    hints.takes_sql ||= holdsWord(words, SQL);
    hints.takes_url ||= holdsWord(words, URL);
    hints.takes_recipient ||= holdsWord(words, RECIPIENT);
    if (isObject(node) && namesDestination(node, words)) destinations.add(name).add(path);
  };
  visit(schema, '', '', 0);
  return hints;
}

function namesDestination(node: Record<string, unknown>, words: readonly string[]): boolean {
  if (holdsWord(words, NOT_DESTINATION)) return false;
  if (typeof node.format === 'string' && DESTINATION_FORMATS.has(node.format)) return true;
  const { description } = node;
  return typeof description === 'string' && SAYS_DESTINATION.test(description.slice(0, TEXT_CHARS_MAX));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
