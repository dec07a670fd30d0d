/** What the log remembers of a session: the link for its next record, and the summary that lists show. */
export type SessionSource = 'given' | 'conversation' | 'client' | 'mcp' | 'trace' | 'gap';

export interface SessionState {
  tenant: string;
  session_id: string;
  session_source: string;
  last_seq: number;
  /** Leaf hash of the session's last record, standard base64. */
  last_leaf: string;
  events: number;
  calls: number;
  errors: number;
  prompts: number;
  first_time_ms: number;
  last_time_ms: number;
  first_received_ms: number;
  last_received_ms: number;
  user_id: string;
  user_role: string;
  agent: string;
  client: string;
  servers: string[];
  tools: string[];
}

/** Names listed of one session; more are not listed, though each event still has its own. */
export const SESSION_NAMES_MAX = 64;

export function emptySession(tenant: string, session_id: string, session_source: string): SessionState {
  return {
    tenant,
    session_id,
    session_source,
    last_seq: 0,
    last_leaf: '',
    events: 0,
    calls: 0,
    errors: 0,
    prompts: 0,
    first_time_ms: 0,
    last_time_ms: 0,
    first_received_ms: 0,
    last_received_ms: 0,
    user_id: '',
    user_role: '',
    agent: '',
    client: '',
    servers: [],
    tools: [],
  };
}

/** What a session's summary takes from an event. */
export interface SessionStep {
  seq: number;
  type: string;
  time_ms: number;
  received_at_ms: number;
  is_error?: boolean | undefined;
  user_id?: string | undefined;
  user_role?: string | undefined;
  agent?: string | undefined;
  client?: string | undefined;
  server?: string | undefined;
  tool?: string | undefined;
}

/** Adds a record to the summary in place. Its seq and leaf become the link of the next one. */
export function advanceSession(session: SessionState, event: SessionStep, leaf: string): void {
  const first = session.events === 0;
  session.last_seq = event.seq;
  session.last_leaf = leaf;
  session.events += 1;
  if (event.type === 'tool.call') session.calls += 1;
  if (event.type === 'prompt') session.prompts += 1;
  if (event.is_error) session.errors += 1;
  session.first_time_ms = first ? event.time_ms : Math.min(session.first_time_ms, event.time_ms);
  session.last_time_ms = first ? event.time_ms : Math.max(session.last_time_ms, event.time_ms);
  if (first) session.first_received_ms = event.received_at_ms;
  session.last_received_ms = event.received_at_ms;
  if (session.user_id === '') session.user_id = event.user_id ?? '';
  if (session.user_role === '') session.user_role = event.user_role ?? '';
  if (session.agent === '') session.agent = event.agent ?? '';
  if (session.client === '') session.client = event.client ?? '';
  addName(session.servers, event.server);
  addName(session.tools, event.tool);
}

function addName(names: string[], name: string | undefined): void {
  if (name !== undefined && names.length < SESSION_NAMES_MAX && !names.includes(name)) names.push(name);
}
