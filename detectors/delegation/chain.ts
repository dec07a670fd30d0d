/** Who acts for whom: the chains of delegation that an event belongs to, by what it says of itself. */
import type { ProvenanceEvent } from '../../core/event.ts';

/** Where an event stands among agents that act for one another. */
export interface Chain {
  /** Names of the chains, the surest first. Every session is the beginning of one, by its own id. */
  ids: string[];
  /** Whether the event itself says that it is part of a delegation. */
  marked: boolean;
  /** Whether another agent gave this one its task. */
  child: boolean;
}

/** Names of tools and servers that hand work to another agent, or ask it something. */
const HANDS_OVER =
  /(?:^|[^a-z])(?:(?:sub[_-]?)?agents?|delegat\w*|hand[_-]?(?:off|over)s?|tasks?|a2a|crew|swarm|workers?|assistants?|coworkers?|dispatch\w*)(?![a-z])/i;

/** The chains that an event belongs to. */
export function chainOf(event: ProvenanceEvent): Chain {
  const { delegation, parent_agent, conversation_id } = event.rest;
  const { delegation_id, parent_session_id, parent_call_id, chain } = (delegation ?? {}) as Record<string, unknown>;
  const parent =
    typeof parent_session_id === 'string' && parent_session_id !== event.session_id ? parent_session_id : '';
  const links = Array.isArray(chain) ? chain.length : 0;
  const child = parent !== '' || typeof parent_agent === 'string' || typeof parent_call_id === 'string' || links > 2;
  const ids: string[] = [];
  if (typeof delegation_id === 'string') ids.push(`delegation ${delegation_id}`);
  if (parent !== '') ids.push(`session ${parent}`);
  ids.push(`session ${event.session_id}`);
  if (typeof conversation_id === 'string') ids.push(`conversation ${conversation_id}`);
  return { ids, marked: child || typeof delegation_id === 'string', child };
}

/** Whether a call hands work to another agent, by the names of its tool and server. */
export function handsOver(server: string, tool: string): boolean {
  return HANDS_OVER.test(spaced(tool)) || HANDS_OVER.test(spaced(server));
}

function spaced(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2');
}
