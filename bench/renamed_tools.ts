/**
 * Events whose tools and servers have names that say nothing, to measure how much detection owes to names. Made-up words
 * take their place, the same in all events of one renamer; descriptions, parameters and contents stay as they are, also
 * where they mention a name.
 */
import { createHash } from 'node:crypto';
import type { DataSource, ProvenanceEvent, ToolDefinition } from '../core/event.ts';
import { profileTool } from '../detectors/catalog/capabilities.ts';

export interface Renamer {
  /** The event with other names; what is handed in stays untouched. */
  event(event: ProvenanceEvent): ProvenanceEvent;
  /** The word that stands for a name; two names never share one. Throws when there are too many names. */
  word(name: string): string;
}

const NAMES_MAX = 100_000;
const SYLLABLES = 4;
const CONSONANTS = 'bdfgjklmnprtvwxz';
const VOWELS = 'aeio';

/** A renamer; the words follow from the seed and the name, not from the order of the events. */
export function createRenamer(seed: number): Renamer {
  const words = new Map<string, string>();
  const taken = new Set<string>();

  function word(name: string): string {
    const known = words.get(name);
    if (known !== undefined) return known;
    if (words.size >= NAMES_MAX) throw new Error(`there are more than ${NAMES_MAX} names of tools and servers`);
    for (let attempt = 0; ; attempt++) {
      const made = wordFrom(createHash('sha256').update(`${seed}\u0000${attempt}\u0000${name}`).digest());
      if (taken.has(made) || !saysNothing(made)) continue;
      words.set(name, made);
      taken.add(made);
      return made;
    }
  }

  /** A field that may name a tool or a server, or something else. */
  const wordIfKnown = (value: unknown): unknown => (typeof value === 'string' ? (words.get(value) ?? value) : value);

  function event(event: ProvenanceEvent): ProvenanceEvent {
    const { server, tool, tools, data_sources } = event;
    return {
      ...event,
      ...(server && { server: word(server) }),
      ...(tool && { tool: word(tool) }),
      ...(tools && { tools: tools.map(definition) }),
      ...(server && data_sources && { data_sources: data_sources.map((each) => dataSource(each, server)) }),
      rest: otherFields(event.rest),
    };
  }

  function definition({ name, title, annotations, ...other }: ToolDefinition): ToolDefinition {
    const named = word(name);
    return {
      ...other,
      name: named,
      ...(title !== undefined && { title: named }),
      ...(annotations !== undefined && { annotations: annotations && untitled(annotations, named) }),
    };
  }

  /** `mail:inbox` of the server `mail`. */
  function dataSource(source: DataSource, server: string): DataSource {
    if (source.uri !== server && !source.uri.startsWith(`${server}:`)) return source;
    return { ...source, uri: `${word(server)}${source.uri.slice(server.length)}` };
  }

  function otherFields(rest: ProvenanceEvent['rest']): ProvenanceEvent['rest'] {
    const { approval, memory_store, server_info, token_audience } = rest;
    const info = isRecord(server_info) ? server_info : undefined;
    return {
      ...rest,
      ...(isRecord(approval) && { approval: { ...approval, action: wordIfKnown(approval.action) } }),
      ...(memory_store !== undefined && { memory_store: wordIfKnown(memory_store) }),
      ...(Array.isArray(token_audience) && { token_audience: token_audience.map(wordIfKnown) }),
      ...(info && {
        server_info: {
          ...info,
          ...(typeof info.package === 'string' && { package: word(info.package) }),
          ...(Array.isArray(info.audience) && { audience: info.audience.map(wordIfKnown) }),
        },
      }),
    };
  }

  return { event, word };
}

function untitled(annotations: NonNullable<ToolDefinition['annotations']>, named: string) {
  return annotations.title === undefined ? annotations : { ...annotations, title: named };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A word such as `zavobiro`. */
function wordFrom(bytes: Uint8Array): string {
  let word = '';
  for (let at = 0; at < SYLLABLES; at++) {
    const byte = bytes[at] as number;
    word += `${CONSONANTS[byte >> 4]}${VOWELS[byte & 3]}`;
  }
  return word;
}

function saysNothing(word: string): boolean {
  const { verb, capabilities } = profileTool(word);
  return verb === 'unknown' && capabilities.size === 1 && capabilities.has('unknown');
}
