/** Finds tokens that are in more hands, or at more servers, than one token should be. */
import type { Severity } from '../../core/alert.ts';
import { isNews, keep } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match, type Observation } from '../detector.ts';
import { audienceOf, textOf, tokenOf } from '../event_fields.ts';
import { after, call, elsewhere, type RawEvent } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { inLogOrder, listing, serverName, shorten } from '../wording.ts';

type Body =
  | { kind: 'issued'; subject?: string; audience?: string[] }
  | { kind: 'used'; audience?: string[]; address?: string; claimed?: boolean };

interface Seen {
  name: string;
  event: EventRef;
}

interface State {
  subject?: string;
  audience?: string[];
  users: Seen[];
  servers: Seen[];
  /** The networks of the last uses, with their times. */
  networks: (Seen & { time_ms: number })[];
  told: string[];
}

type Spread = 'other_user' | 'users' | 'servers' | 'networks';

interface Detail {
  token: string;
  spread: Spread;
  names: string[];
  subject: string;
}

const NAMES_MAX = 16;
const NETWORKS_MAX = 16;
const AUDIENCE_MAX = 16;
const TOLD_MAX = 32;
/** Coming back from another network within this time is no journey. */
const AT_ONCE_MS = 600_000;
const DAY_MS = 86_400_000;

export default defineCorrelator<State, Body, Detail>({
  metadata: {
    id: 'token_shared',
    version: 1,
    title: 'One token in several hands',
    description: {
      detects:
        'A token reference that is used by another user than it was issued to, by several users, from two networks in ' +
        'turn within ten minutes, or on more servers than it names audiences.',
      misses:
        'Sharing behind one gateway or one address, tokens that producers do not name, and a thief who uses the token ' +
        'alone once its owner has stopped.',
    },
    severity: 'medium',
    status: 'experimental',
    tags: ['AML.T0091.000', 'AML.T0012', 'ASI03', 'LLM06', 'MCP01', 'MCP07'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0091.000',
      'https://owasp.org/www-project-mcp-top-10/',
      'https://modelcontextprotocol.io/specification/2025-06-18/basic/authorization',
    ],
    false_positives: [
      'A gateway with one service token for all of its users: give the service its own user, or state the subject.',
      'Networks that send traffic out by several addresses; one change of network is not told.',
      'A token that is meant for a family of servers and names only the family.',
    ],
    runbook: [
      'Find out whether the token belongs to a person or to a service.',
      'Compare the networks and clients of the uses; ask the owner which of them were his.',
      'Revoke the token and have a new one issued; look at what the other uses did.',
    ],
  },
  watches: ['token.issued', 'tool.call', 'resource.read'],
  group_by: 'token',
  window_ms: 30 * DAY_MS,
  initial: () => ({ users: [], servers: [], networks: [], told: [] }),

  extract(event): Extract<Body>[] {
    const key = textOf(event, 'token_ref');
    if (key === undefined) return [];
    const token = tokenOf(event);
    if (token !== undefined) {
      const audience = token.audience?.slice(0, AUDIENCE_MAX);
      return [
        {
          key,
          body: { kind: 'issued', ...(token.subject && { subject: token.subject }), ...(audience && { audience }) },
        },
      ];
    }
    const audience = audienceOf(event)?.slice(0, AUDIENCE_MAX);
    const address = textOf(event, 'source_address');
    const claimed = textOf(event, 'user_source') === 'claimed';
    return [
      {
        key,
        body: { kind: 'used', ...(audience && { audience }), ...(address && { address }), ...(claimed && { claimed }) },
      },
    ];
  },

  step(state, observation): Match<Detail>[] {
    const { body } = observation;
    if (body.kind === 'issued') {
      if (body.subject !== undefined) state.subject = body.subject;
      if (body.audience !== undefined) state.audience = body.audience;
      return [];
    }
    if (body.audience !== undefined) state.audience ??= body.audience;
    return [
      ...byUser(state, observation, body.claimed === true),
      ...byServer(state, observation),
      ...byNetwork(state, observation, body.address),
    ];
  },

  explain({ steps, detail: { token, spread, names, subject } }) {
    const name = shorten(token, 64);
    const shown = listing(names.map((each) => shorten(each, 64)));
    const reason: Record<Spread, string> = {
      other_user: `Token ${name} was issued to ${shorten(subject, 64)} and is used by ${shown}.`,
      users: `Token ${name} is used by ${shown}. A token speaks for one of them.`,
      servers: `Token ${name} is used on ${shown}, which are more servers than it names audiences.`,
      networks: `Token ${name} is used from ${shown} in turn within ten minutes, so two clients hold it at once.`,
    };
    return { title: `Token ${name} is in several hands`, reason: reason[spread], evidence: steps };
  },

  examples: [
    {
      name: 'Somebody else uses the token',
      fires: true,
      severity: 'high',
      events: [issuedTo('ana@example.com'), use(), elsewhere('other', use(), { user_id: 'rob@example.com' })],
    },
    {
      name: 'Two users, and nobody knows to whom the token was issued',
      fires: true,
      severity: 'medium',
      events: [use(), elsewhere('other', use(), { user_id: 'rob@example.com' })],
    },
    {
      name: 'Two networks in turn within minutes',
      fires: true,
      severity: 'medium',
      events: [use('192.0.2.4'), after(60_000, use('198.51.100.7')), after(60_000, use('192.0.2.9'))],
    },
    {
      name: 'One audience and three servers',
      fires: true,
      severity: 'medium',
      events: [
        issuedTo('ana@example.com', ['https://crm.example.com']),
        use(),
        { ...use(), server: 'mail' },
        { ...use(), server: 'bank' },
      ],
    },
    {
      name: 'Near miss: one user, one server, one network',
      fires: false,
      events: [issuedTo('ana@example.com'), use('192.0.2.4'), use('192.0.2.77'), elsewhere('later', use('192.0.2.4'))],
    },
    {
      name: 'Near miss: the owner goes home once',
      fires: false,
      events: [use('192.0.2.4'), after(300_000, use('198.51.100.7')), after(60_000, use('198.51.100.7'))],
    },
    {
      name: 'Near miss: as many servers as audiences',
      fires: false,
      events: [
        issuedTo('ana@example.com', ['https://crm.example.com', 'https://mail.example.com']),
        use(),
        { ...use(), server: 'mail' },
      ],
    },
    {
      name: 'Near miss: two users with a token each',
      fires: false,
      events: [use(), elsewhere('other', { ...use(), token_ref: 'token-6' }, { user_id: 'rob@example.com' })],
    },
  ],
});

function byUser(state: State, observation: Observation<Body>, claimed: boolean): Match<Detail>[] {
  const { user_id, event } = observation;
  if (user_id === '' || state.users.some(({ name }) => name === user_id)) return [];
  const first = state.users[0];
  keep(state.users, { name: user_id, event }, NAMES_MAX);
  if (first === undefined) return [];
  const owner = state.subject;
  const stolen = owner !== undefined && owner !== user_id && state.users.some(({ name }) => name === owner);
  const names = stolen ? [user_id] : state.users.map(({ name }) => name);
  const severity = stolen && !claimed ? 'high' : 'medium';
  return told(state, observation, stolen ? 'other_user' : 'users', severity, names, first);
}

function byServer(state: State, observation: Observation<Body>): Match<Detail>[] {
  const { event } = observation;
  if (event.server === '' || state.servers.some(({ name }) => name === event.server)) return [];
  const first = state.servers[0];
  keep(state.servers, { name: event.server, event }, NAMES_MAX);
  if (first === undefined) return [];
  // Servers go by names of their own, so only their number can be held against the audiences.
  const allowed = Math.max(1, state.audience?.length ?? 1);
  if (state.servers.length <= allowed) return [];
  const severity = state.audience === undefined ? 'low' : state.servers.length > allowed + 1 ? 'medium' : 'low';
  const names = state.servers.map(({ name }) => serverName(name));
  return told(state, observation, 'servers', severity, names, first);
}

function byNetwork(state: State, observation: Observation<Body>, address: string | undefined): Match<Detail>[] {
  if (address === undefined) return [];
  const { time_ms, event } = observation;
  const name = networkOf(address);
  const last = state.networks.at(-1);
  const earlier = state.networks.findLast((seen) => seen.name === name);
  keep(state.networks, { name, event, time_ms }, NETWORKS_MAX);
  if (last === undefined || earlier === undefined || last.name === name) return [];
  if (time_ms - earlier.time_ms > AT_ONCE_MS) return [];
  return told(state, observation, 'networks', 'medium', [earlier.name, last.name].sort(), last);
}

/** Addresses of one household or one office count as one network. */
function networkOf(address: string): string {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(address)) return `${address.split('.').slice(0, 3).join('.')}.0/24`;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = head.split(':').slice(0, 4);
  while (tail !== undefined && groups.length < 4) groups.push('0');
  return `${groups.join(':')}::/64`;
}

function told(
  state: State,
  { key, event }: Observation<Body>,
  spread: Spread,
  severity: Severity,
  names: string[],
  first: Seen,
): Match<Detail>[] {
  const what = `${spread}\u0000${severity}\u0000${spread === 'servers' ? '' : names.join(' ')}`;
  if (!isNews(state.told, what, TOLD_MAX)) return [];
  return [
    {
      severity,
      steps: inLogOrder([
        { event: first.event, role: 'The token was used here before' },
        { event, role: 'This use is another one’s' },
      ]),
      source: key,
      sink_digest: what,
      detail: { token: key, spread, names, subject: state.subject ?? '' },
    },
  ];
}

function use(source_address?: string): RawEvent {
  return { ...call('crm', 'list_customers', {}), token_ref: 'token-5', ...(source_address && { source_address }) };
}

function issuedTo(subject: string, audience?: string[]): RawEvent {
  const token = { issued_at: '2026-01-15T09:00:00Z', subject, ...(audience && { audience }) };
  return { type: 'token.issued', token_ref: 'token-5', token };
}
