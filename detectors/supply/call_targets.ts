/** What a call works on, as digests, so that two calls of different tools can be held against each other. */
import type { ProvenanceEvent } from '../../core/event.ts';
import type { CallProfile } from '../catalog/capabilities.ts';
import { parameterRole } from '../catalog/destinations.ts';
import { digestOf } from '../finding_id.ts';
import { extractValues } from '../lineage/extract_values.ts';
import { actingLeaves } from './acting_leaves.ts';
import { plainPath } from './path_bounds.ts';

export interface Target {
  digest: string;
  /** An address, a path or an identifier; otherwise it is a word that may occur anywhere. */
  specific: boolean;
}

const TARGETS_MAX = 24;
const LEAVES_MAX = 100;
const TEXT_CHARS_MAX = 4_096;
const WORD_CHARS_MIN = 4;
const WORD_CHARS_MAX = 160;
const COMMON = new Set(
  'true false null none json text html plain utf-8 main master default user users name file files list read write get all from where select delete insert update into table drop sudo bash echo curl high low medium asc desc open closed'.split(
    ' ',
  ),
);

/** The targets of a call, the specific ones first, each once. */
export function callTargets(event: ProvenanceEvent, call: CallProfile | undefined): Target[] {
  const targets = new Map<string, Target>();
  const add = (kind: string, value: string, specific: boolean): void => {
    const digest = digestOf([kind, value]).slice(0, 24);
    if (!targets.has(digest)) targets.set(digest, { digest, specific });
  };
  const command = call?.capabilities.has('exec') === true;
  for (const leaf of actingLeaves(event, call).slice(0, LEAVES_MAX)) {
    const text = leaf.text.slice(0, TEXT_CHARS_MAX);
    for (const value of extractValues(text, parameterRole(leaf.name))) add(value.kind, value.value, true);
    const words = command ? text.split(/[\s"'`;|&<>()=,]+/) : [text.trim()];
    for (const word of words) addWord(word, add);
  }
  return [...targets.values()].sort((a, b) => Number(b.specific) - Number(a.specific)).slice(0, TARGETS_MAX);
}

function addWord(word: string, add: (kind: string, value: string, specific: boolean) => void): void {
  if (word.length < WORD_CHARS_MIN || word.length > WORD_CHARS_MAX || COMMON.has(word.toLowerCase())) return;
  if (/^[\w.~-]*[/\\][^\s]+$/.test(word)) {
    const path = plainPath(word);
    add('path', path, true);
    // The same file may be named from another directory.
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (name.length >= 6 && name.includes('.')) add('file', name, true);
  } else if (/^[\w-]{3,}\.\w{1,8}$/.test(word)) add('file', word.toLowerCase(), true);
  else add('word', word.toLowerCase(), word.length >= 6 && /\d/.test(word) && /[a-z]/i.test(word));
}
