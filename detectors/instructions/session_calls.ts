/** Follows one session: takes in its prompts and results, and compares each call with them. */
import type { ProvenanceEvent, ToolDefinition } from '../../core/event.ts';
import type { CallProfile } from '../catalog/capabilities.ts';
import type { ContentView } from '../content/content_view.ts';
import { injectionEvidence } from '../content/injection_evidence.ts';
import { refOf } from '../lineage/edge.ts';
import { leavesOf } from '../lineage/leaves.ts';
import { callTermsOf, compareCall, type FollowedCall } from './call_features.ts';
import { createInstructionIndex, type IndexLimits } from './instruction_index.ts';
import type { Lexeme } from './lexicon.ts';

export interface CallReaderLimits extends IndexLimits {
  instruction_params_chars_max: number;
}

export interface CallReader {
  /** Takes in the next event; yields the comparison when it is a call. */
  read(
    event: ProvenanceEvent,
    content: ContentView | undefined,
    call: CallProfile | undefined,
    definition?: ToolDefinition,
  ): FollowedCall | undefined;
  /** What the prompts said so far. */
  readonly prompts: readonly string[];
}

const EVIDENCE_STRONG = 6;
const ASKED_MAX = 256; // calls that wait for their result

/** A reader that has seen nothing. */
export function createCallReader(limits: CallReaderLimits): CallReader {
  const index = createInstructionIndex(limits);
  const asked = new Map<string, readonly Lexeme[]>();

  function readCall(event: ProvenanceEvent, call: CallProfile, definition: ToolDefinition | undefined): FollowedCall {
    const { leaves } = leavesOf(event.params ?? {}, limits.instruction_params_chars_max);
    const tool = event.tool ?? '';
    const terms = callTermsOf(tool, leaves, definition);
    const followed = compareCall(index, terms, call, event.server ?? '', tool);
    index.addCall(terms.targets);
    index.addCall(terms.bodies);
    asked.set(callKey(event), terms.targets);
    for (const oldest of asked.keys()) {
      if (asked.size <= ASKED_MAX) break;
      asked.delete(oldest);
    }
    return followed;
  }

  return {
    read(event, content, call, definition) {
      if (event.type === 'tool.call') return call && readCall(event, call, definition);
      if (content === undefined) return undefined;
      if (event.type === 'prompt') index.addPrompt(content.text);
      else if (event.type === 'tool.result' || event.type === 'resource.read') {
        index.addResult(refOf(event), content, asked.get(callKey(event)) ?? [], evidenceOf(content));
      }
      return undefined;
    },
    get prompts() {
      return index.prompt.texts;
    },
  };
}

/** From 6 on the evidence is strong. */
function evidenceOf(content: ContentView): number {
  return Math.min(1, injectionEvidence(content).score / EVIDENCE_STRONG);
}

function callKey(event: ProvenanceEvent): string {
  return event.call_id ?? `${event.server ?? ''}\u0000${event.tool ?? ''}`;
}
