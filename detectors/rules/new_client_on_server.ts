/** Finds the first use of a server by a client that was never seen there. */
import { keep } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match } from '../detector.ts';
import { after, call, elsewhere, type RawEvent } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { inLogOrder, serverName, shorten } from '../wording.ts';

interface Body {
  client: string;
}

interface State {
  clients: { client: string; event: EventRef }[];
  calls: number;
  first_ms?: number;
}

interface Detail {
  server: string;
  client: string;
  known: number;
  calls: number;
}

const CLIENTS_MAX = 256;
/** A server must have been seen this often and this long before a client can be new. */
const CALLS_MIN = 50;
const AGE_MIN_MS = 86_400_000;
const DAY_MS = 86_400_000;

export default defineCorrelator<State, Body, Detail>({
  metadata: {
    id: 'new_client_on_server',
    version: 1,
    title: 'Server used by a client that was never seen there',
    description: {
      detects:
        `The first call of a client program on a server that was used for at least a day and ${CALLS_MIN} times by others: ` +
        'a server may have been reached from outside of the programs that were meant to use it.',
      misses:
        'Clients that give the name of a known one, events without a client, and servers that are new themselves.',
    },
    severity: 'low',
    status: 'experimental',
    tags: ['AML.T0012', 'AML.T0053', 'ASI03', 'LLM06', 'MCP07', 'MCP09'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0012',
      'https://owasp.org/www-project-mcp-top-10/',
      'https://modelcontextprotocol.io/specification/2025-06-18/basic/lifecycle',
    ],
    false_positives: [
      'A new program is being introduced: the first call of each is told once.',
      'A client that changed its name with an update.',
    ],
    runbook: [
      'Ask whether somebody has begun to use this program.',
      'See which user and which address it acts for, and what it called.',
      'If nobody knows it, revoke the token that it used.',
    ],
  },
  watches: ['tool.call'],
  group_by: 'server',
  window_ms: 90 * DAY_MS,
  initial: () => ({ clients: [], calls: 0 }),

  extract(event): Extract<Body>[] {
    if (event.client === undefined || event.server === undefined) return [];
    return [{ key: event.server, body: { client: event.client } }];
  },

  step(state, { body: { client }, event, time_ms }): Match<Detail>[] {
    state.first_ms ??= time_ms;
    state.calls++;
    if (state.clients.some((known) => known.client === client)) return [];
    const known = state.clients.length;
    const last = state.clients.at(-1);
    keep(state.clients, { client, event }, CLIENTS_MAX);
    const settled = state.calls > CALLS_MIN && time_ms - state.first_ms >= AGE_MIN_MS;
    if (last === undefined || !settled) return [];
    return [
      {
        severity: 'low',
        steps: inLogOrder([
          { event: last.event, role: 'A client that was known, when it came' },
          { event, role: 'The first call of the new one' },
        ]),
        source: event.server,
        sink_digest: client,
        detail: { server: event.server, client, known, calls: state.calls - 1 },
      },
    ];
  },

  explain({ steps, detail: { server, client, known, calls } }) {
    const others = known === 1 ? 'one client' : `${known} clients`;
    return {
      title: `${serverName(server)} was used by the new client ${shorten(client, 64)}`,
      reason: `${serverName(server)} was called ${calls} times by ${others} before. This is the first call of ${shorten(client, 64)}.`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'A script turns up on a server that one client uses',
      fires: true,
      severity: 'low',
      events: [...weeks(60), from('curl')],
    },
    {
      name: 'A third program, in another session',
      fires: true,
      severity: 'low',
      events: [...weeks(40), ...weeks(20, 'web'), elsewhere('night', from('probe'))],
    },
    {
      name: 'Told once only for each client',
      fires: true,
      severity: 'low',
      events: [...weeks(60), from('curl'), from('curl')],
    },
    { name: 'Near miss: the server is new itself', fires: false, events: [...weeks(10), from('curl')] },
    {
      name: 'Near miss: used often, but only since a moment',
      fires: false,
      events: [...Array.from({ length: 60 }, () => from('desktop')), from('curl')],
    },
    {
      name: 'Near miss: a client that was there before',
      fires: false,
      events: [from('curl'), ...weeks(60), from('curl')],
    },
    {
      name: 'Near miss: a call that names no client',
      fires: false,
      events: [...weeks(60), call('ledger', 'list_entries', {})],
    },
  ],
});

function from(client: string): RawEvent {
  return { ...call('ledger', 'list_entries', {}), client };
}

function weeks(times: number, client = 'desktop'): RawEvent[] {
  return Array.from({ length: times }, () => after(3_600_000, from(client)));
}
