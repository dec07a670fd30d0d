/** The parameters of a call that say what it works on, without those that only carry a text to be written somewhere. */
import type { ProvenanceEvent } from '../../core/event.ts';
import type { CallProfile } from '../catalog/capabilities.ts';
import { holdsWord, wordSet, wordsOf } from '../catalog/words.ts';
import { type Leaf, leavesOf } from '../lineage/leaves.ts';

const BODY = wordSet(
  'body content contents text subject title description message note notes comment html markdown summary reason prompt thought answer',
);
const CHARS_MAX = 65_536;

/** Parameters of a `tool.call`, or the address of a `resource.read`. A tool that executes acts on all its texts. */
export function actingLeaves(event: ProvenanceEvent, call: CallProfile | undefined): readonly Leaf[] {
  if (event.type === 'resource.read') {
    const uri = event.rest.uri;
    return typeof uri === 'string' ? [{ path: 'uri', name: 'uri', text: uri }] : [];
  }
  const { leaves } = leavesOf(event.params ?? {}, CHARS_MAX);
  if (call?.capabilities.has('exec') === true) return leaves;
  return leaves.filter((leaf) => !namesBody(leaf.name));
}

const NAMES_KEPT_MAX = 10_000;
const names_kept = new Map<string, boolean>();

function namesBody(name: string): boolean {
  let body = names_kept.get(name);
  if (body === undefined) {
    body = holdsWord(wordsOf(name), BODY);
    if (names_kept.size >= NAMES_KEPT_MAX) names_kept.clear();
    names_kept.set(name, body);
  }
  return body;
}
