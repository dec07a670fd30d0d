/** Finds calls whose token was made for another server. */
import { isNews } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match } from '../detector.ts';
import { audienceOf, serverInfoOf, textOf } from '../event_fields.ts';
import { call, elsewhere, type RawEvent } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { audiencesMeet } from '../supply/audience.ts';
import { inLogOrder, listing, serverName, shorten } from '../wording.ts';

type Body = { kind: 'wants'; audience: string[] } | { kind: 'names'; audience: string[]; token: string };

interface State {
  wants?: { audience: string[]; event: EventRef };
  told: string[];
}

interface Detail {
  server: string;
  tool: string;
  token: string;
  wants: string[];
  names: string[];
}

const TOLD_MAX = 256;
const AUDIENCE_MAX = 16;
const DAY_MS = 86_400_000;

export default defineCorrelator<State, Body, Detail>({
  metadata: {
    id: 'audience_mismatch',
    version: 1,
    title: 'Token made for another server',
    description: {
      detects:
        'A call whose token names only audiences that are not those of the server, as its latest version record states ' +
        'them. Such a token was passed through from elsewhere, or the server takes tokens that are not for it.',
      misses:
        'Servers without a stated audience, calls without a named audience, and tokens for everybody. Audiences that lie ' +
        'on the same host below one another count as the same.',
    },
    severity: 'medium',
    status: 'experimental',
    tags: ['AML.T0091.000', 'AML.T0012', 'ASI03', 'LLM06', 'MCP01', 'MCP07'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0091.000',
      'https://www.rfc-editor.org/rfc/rfc8707',
      'https://modelcontextprotocol.io/specification/2025-06-18/basic/authorization',
    ],
    false_positives: [
      'The server has moved, and its record still states the old address.',
      'A gateway that takes a token for itself and exchanges it before the server.',
      'Internal names and public addresses of one service side by side.',
    ],
    runbook: [
      'Compare the two audiences: are they one service under two names?',
      'If not, find out how the client came by this token and what else it opens.',
      'Have the server refuse tokens that do not name it; a token that is passed on can be replayed by the server.',
    ],
  },
  watches: ['server.version', 'tool.call'],
  group_by: 'server',
  window_ms: 90 * DAY_MS,
  initial: () => ({ told: [] }),

  extract(event): Extract<Body>[] {
    const key = event.server ?? '';
    const wants = serverInfoOf(event)?.audience;
    if (wants !== undefined && wants.length > 0) {
      return [{ key, body: { kind: 'wants', audience: wants.slice(0, AUDIENCE_MAX) } }];
    }
    const names = audienceOf(event);
    if (event.type !== 'tool.call' || names === undefined || names.length === 0) return [];
    const token = textOf(event, 'token_ref') ?? '';
    return [{ key, body: { kind: 'names', audience: names.slice(0, AUDIENCE_MAX), token } }];
  },

  step(state, { body, event, session_id }): Match<Detail>[] {
    if (body.kind === 'wants') {
      state.wants = { audience: body.audience, event };
      return [];
    }
    if (state.wants === undefined || audiencesMeet(body.audience, state.wants.audience)) return [];
    const told_key = `${body.token === '' ? session_id : body.token}\u0000${body.audience.join(' ')}`;
    if (!isNews(state.told, told_key, TOLD_MAX)) return [];
    return [
      {
        severity: 'medium',
        steps: inLogOrder([
          { event: state.wants.event, role: 'This states whom a token for the server must name' },
          { event, role: 'This call came with a token for somebody else' },
        ]),
        source: event.server,
        sink_digest: told_key,
        detail: {
          server: event.server,
          tool: event.tool,
          token: body.token,
          wants: state.wants.audience,
          names: body.audience,
        },
      },
    ];
  },

  explain({ steps, detail: { server, tool, token, wants, names } }) {
    const which = token === '' ? 'A token' : `Token ${shorten(token, 64)}`;
    return {
      title: `${serverName(server)} was called with a token for another server`,
      reason:
        `${which} of a call of ${shorten(tool, 64)} names ${listing(names.map((name) => shorten(name, 80)))}. ` +
        `A token for ${serverName(server)} must name ${listing(wants.map((name) => shorten(name, 80)))}.`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'A token for the mail service is handed to the ticket server',
      fires: true,
      severity: 'medium',
      events: [wants('https://tickets.example.com'), use(['https://mail.example.com'])],
    },
    {
      name: 'A token for another host, in another session',
      fires: true,
      severity: 'medium',
      events: [elsewhere('setup', wants('https://tickets.example.com/mcp')), use(['https://tickets.example.org/mcp'])],
    },
    {
      name: 'A token for another path of the same host',
      fires: true,
      severity: 'medium',
      events: [wants('https://api.example.com/tickets'), use(['https://api.example.com/payroll'])],
    },
    {
      name: 'Near miss: one of several audiences fits',
      fires: false,
      events: [wants('https://tickets.example.com'), use(['https://mail.example.com', 'https://Tickets.example.com/'])],
    },
    {
      name: 'Near miss: the audience is the host above the server',
      fires: false,
      events: [wants('https://api.example.com/tickets'), use(['https://api.example.com'])],
    },
    {
      name: 'Near miss: the server states no audience',
      fires: false,
      events: [wants(), use(['https://mail.example.com'])],
    },
    {
      name: 'Near miss: another server’s audience',
      fires: false,
      events: [{ ...wants('https://mail.example.com'), server: 'mail' }, use(['https://tickets.example.com'])],
    },
  ],
});

function wants(...audience: string[]): RawEvent {
  return { type: 'server.version', server: 'tickets', server_info: { version: '1.0.0', audience } };
}

function use(token_audience: string[]): RawEvent {
  return { ...call('tickets', 'list_tickets', {}), token_ref: 'token-3', token_audience };
}
