/** Finds uses of a token after it was revoked, or after it had expired. */
import { isNews, keep } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match, type Observation } from '../detector.ts';
import { revocationOf, textOf, tokenOf } from '../event_fields.ts';
import { after, call, elsewhere, type RawEvent } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { duration, inLogOrder, serverName, shorten } from '../wording.ts';

type Body =
  | { kind: 'revoked'; at_ms: number }
  | { kind: 'issued'; at_ms: number; expires_ms?: number }
  | { kind: 'used' };

interface Use {
  at_ms: number;
  event: EventRef;
}

interface State {
  revoked?: Use;
  /** The latest issue of the token, with its end. */
  issued?: Use & { expires_ms?: number };
  /** The last uses, for a revocation that arrives after them. */
  uses: Use[];
  told: string[];
}

interface Detail {
  token: string;
  why: 'revoked' | 'expired';
  server: string;
  tool: string;
  late_ms: number;
}

/** Clocks of producers and of the issuer differ, and a call may be on its way. */
const SKEW_MS = 120_000;
/** Some clients hold on to a token a little longer than it lives. */
const EXPIRY_GRACE_MS = 600_000;
const USES_MAX = 16;
const TOLD_MAX = 128;
const DAY_MS = 86_400_000;

export default defineCorrelator<State, Body, Detail>({
  metadata: {
    id: 'token_after_revocation',
    version: 1,
    title: 'Token used after it was revoked or had expired',
    description: {
      detects:
        'A call that carries a token reference more than two minutes after the token was revoked, also when the ' +
        'revocation becomes known later, or more than ten minutes after it expired. Told once for each session.',
      misses:
        'Tokens that producers do not name, revocations that no feed reports, and calls within the allowance for clocks. ' +
        'Whether the server accepted the token is not known.',
    },
    severity: 'high',
    status: 'experimental',
    tags: ['AML.T0091.000', 'AML.T0012', 'ASI03', 'LLM06', 'MCP01', 'MCP07'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0091.000',
      'https://www.rfc-editor.org/rfc/rfc7009',
      'https://owasp.org/www-project-mcp-top-10/',
    ],
    false_positives: [
      'A producer whose clock runs minutes behind: the time of the call is the producer’s.',
      'A client that tries an old token once before it asks for a new one: expired tokens are reported as medium.',
      'References that are reused for a new token without a record of its issue.',
    ],
    runbook: [
      'Read why the token was revoked; a lost device or a leak makes every later use an intrusion.',
      'See from which address and client the call came, and whether the server refused it.',
      'Have the server check revocations, and suspend the session if the token worked.',
      'Look at everything else that this token did since it was revoked.',
    ],
  },
  watches: ['token.issued', 'token.revoked', 'tool.call', 'resource.read'],
  group_by: 'token',
  window_ms: 90 * DAY_MS,
  initial: () => ({ uses: [], told: [] }),

  extract(event): Extract<Body>[] {
    const key = textOf(event, 'token_ref');
    if (key === undefined) return [];
    const revocation = revocationOf(event);
    if (revocation !== undefined) return [{ key, body: { kind: 'revoked', at_ms: Date.parse(revocation.revoked_at) } }];
    const token = tokenOf(event);
    if (token === undefined) return [{ key, body: { kind: 'used' } }];
    const expires_ms = token.expires_at === undefined ? {} : { expires_ms: Date.parse(token.expires_at) };
    return [{ key, body: { kind: 'issued', at_ms: Date.parse(token.issued_at), ...expires_ms } }];
  },

  step(state, observation): Match<Detail>[] {
    const { body, event } = observation;
    if (body.kind === 'issued') {
      const { kind: _, ...issue } = body;
      if (state.issued === undefined || issue.at_ms >= state.issued.at_ms) state.issued = { ...issue, event };
      return [];
    }
    if (body.kind === 'used') return used(state, observation);
    if (state.revoked === undefined || body.at_ms < state.revoked.at_ms) state.revoked = { at_ms: body.at_ms, event };
    return usedBefore(state, observation);
  },

  explain({ steps, detail: { token, why, server, tool, late_ms } }) {
    const name = shorten(token, 64);
    const what = why === 'revoked' ? 'was revoked' : 'had expired';
    return {
      title: `Token ${name} was used after it ${what}`,
      reason: `${shorten(tool, 64)} on ${serverName(server)} was called with token ${name} ${duration(late_ms)} after the token ${what}.`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'A call an hour after the token was revoked',
      fires: true,
      severity: 'high',
      events: [use(), revoked('09:00:05'), after(3_600_000, elsewhere('night', use()))],
    },
    {
      name: 'The revocation becomes known after the call',
      fires: true,
      severity: 'high',
      events: [after(1_800_000, use()), revoked('09:10:00')],
    },
    {
      name: 'A call long after the token had expired',
      fires: true,
      severity: 'medium',
      events: [issued('09:00:00', '09:30:00'), after(7_200_000, use())],
    },
    {
      name: 'Near miss: a call within the allowance for clocks',
      fires: false,
      events: [revoked('09:00:00'), after(60_000, use())],
    },
    {
      name: 'Near miss: used before, revoked later',
      fires: false,
      events: [use(), after(600_000, revoked('09:09:00'))],
    },
    {
      name: 'Near miss: another token goes on',
      fires: false,
      events: [revoked('09:00:00'), after(3_600_000, { ...use(), token_ref: 'token-other' })],
    },
    {
      name: 'Near miss: the reference was issued anew',
      fires: false,
      events: [revoked('09:00:00'), after(600_000, issued('09:10:00', '12:00:00')), after(600_000, use())],
    },
    {
      name: 'Near miss: an expired token was extended',
      fires: false,
      events: [issued('08:00:00', '09:30:00'), issued('09:00:01', '13:00:00'), after(7_200_000, use())],
    },
  ],
});

function used(state: State, observation: Observation<Body>): Match<Detail>[] {
  const { event, time_ms, session_id } = observation;
  keep(state.uses, { at_ms: time_ms, event }, USES_MAX);
  const { revoked, issued } = state;
  // A token that was issued after the revocation is another one under the same name.
  if (revoked !== undefined && (issued === undefined || issued.at_ms <= revoked.at_ms)) {
    const late_ms = time_ms - revoked.at_ms;
    if (late_ms > SKEW_MS && isNews(state.told, `revoked ${session_id}`, TOLD_MAX)) {
      return [matchOf(observation, 'revoked', { at_ms: time_ms, event }, revoked.event, late_ms)];
    }
    return [];
  }
  if (issued?.expires_ms === undefined) return [];
  const late_ms = time_ms - issued.expires_ms;
  if (late_ms <= EXPIRY_GRACE_MS || !isNews(state.told, `expired ${session_id}`, TOLD_MAX)) return [];
  return [matchOf(observation, 'expired', { at_ms: time_ms, event }, issued.event, late_ms)];
}

/** The latest use that the revocation, which comes only now, should have prevented. */
function usedBefore(state: State, observation: Observation<Body>): Match<Detail>[] {
  const { body, event } = observation;
  if (body.kind !== 'revoked') return [];
  if (state.issued !== undefined && state.issued.at_ms > body.at_ms) return [];
  const late = state.uses.findLast(({ at_ms }) => at_ms - body.at_ms > SKEW_MS);
  if (late === undefined || !isNews(state.told, `use ${late.event.event_id}`, TOLD_MAX)) return [];
  return [matchOf(observation, 'revoked', late, event, late.at_ms - body.at_ms)];
}

function matchOf(
  { key }: Observation<Body>,
  why: Detail['why'],
  use: Use,
  cause: EventRef,
  late_ms: number,
): Match<Detail> {
  const { server, tool } = use.event;
  return {
    severity: why === 'revoked' ? 'high' : 'medium',
    steps: inLogOrder([
      { event: cause, role: why === 'revoked' ? 'This revoked the token' : 'This issued the token, with its end' },
      { event: use.event, role: 'This call used it afterwards' },
    ]),
    source: key,
    sink_digest: `${why} ${use.event.event_id}`,
    detail: { token: key, why, server, tool, late_ms },
  };
}

function use(): RawEvent {
  return { ...call('crm', 'list_customers', {}), token_ref: 'token-9' };
}

function revoked(time: string): RawEvent {
  const revocation = { revoked_at: `2026-01-15T${time}Z`, reason: 'device lost' };
  return { type: 'token.revoked', token_ref: 'token-9', revocation };
}

function issued(at: string, until: string): RawEvent {
  const token = { issued_at: `2026-01-15T${at}Z`, expires_at: `2026-01-15T${until}Z` };
  return { type: 'token.issued', token_ref: 'token-9', token };
}
