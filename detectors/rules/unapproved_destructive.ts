/** Finds destructive calls without an approval, where such calls are approved otherwise. */
import type { Severity } from '../../core/alert.ts';
import { isNews, keep } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match, type Observation } from '../detector.ts';
import { approvalOf } from '../event_fields.ts';
import { after, call, elsewhere, type RawEvent } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { inLogOrder, serverName, shorten } from '../wording.ts';

type Body =
  | { kind: 'decided'; tool: string; call_id: string; granted: boolean; scope: 'once' | 'session' | 'always' }
  | { kind: 'called'; tool: string; call_id: string };

interface Approval {
  tool: string;
  call_id: string;
  session_id: string;
  user_id: string;
  time_ms: number;
  granted: boolean;
  scope: 'once' | 'session' | 'always';
  event: EventRef;
}

interface State {
  approvals: Approval[];
  /** How often each tool was decided on. */
  decided: { tool: string; times: number }[];
  told: string[];
}

interface Detail {
  server: string;
  tool: string;
  times: number;
}

const APPROVALS_MAX = 512;
const TOOLS_MAX = 256;
const TOLD_MAX = 512;
const JUST_BEFORE_MS = 900_000;
/** So often a tool goes through approval before its absence is strange. */
const USUAL_TIMES = 3;
const DAY_MS = 86_400_000;

export default defineCorrelator<State, Body, Detail>({
  metadata: {
    id: 'unapproved_destructive',
    version: 1,
    title: 'Destructive call without an approval',
    description: {
      detects:
        'A call that deletes or overwrites, without a granted approval for it in the quarter of an hour before, although ' +
        `the tool was decided on at least ${USUAL_TIMES} times in the tenant, or approvals are in use in this session.`,
      misses:
        'Tenants without approvals, calls whose destructive effect does not show, and approvals for another scope than recorded.',
    },
    severity: 'medium',
    status: 'experimental',
    tags: ['AML.T0101', 'AML.T0053', 'ASI02', 'ASI09', 'LLM06', 'MCP02'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0101',
      'https://genai.owasp.org/llmrisk/llm062025-excessive-agency/',
      'https://owasp.org/www-project-mcp-top-10/',
    ],
    false_positives: [
      'A rule lets the call pass without asking and no approval is recorded.',
      'The approval is recorded under another name than the tool’s, or after the call.',
    ],
    runbook: [
      'Find out how the call passed: a standing grant, a rule, or nothing?',
      'See what it destroyed and whether that can be brought back.',
      'Compare with the prompt: did the user ask for it?',
      'Make the gateway ask for this tool always.',
    ],
  },
  armed_by: ['approval'],
  watches: ['approval', 'tool.call'],
  group_by: 'tenant',
  window_ms: 30 * DAY_MS,
  initial: () => ({ approvals: [], decided: [], told: [] }),

  extract(event, { call: profile }): Extract<Body>[] {
    const approval = approvalOf(event);
    if (approval !== undefined) {
      const { call_id = event.call_id ?? '', decision, scope = 'once' } = approval;
      const body = {
        kind: 'decided' as const,
        tool: event.tool ?? approval.action,
        call_id,
        granted: decision === 'granted',
        scope,
      };
      return [{ key: '', body }];
    }
    if (profile?.capabilities.has('destructive') !== true) return [];
    return [
      { key: '', transient: true, body: { kind: 'called', tool: event.tool ?? '', call_id: event.call_id ?? '' } },
    ];
  },

  step(state, observation): Match<Detail>[] {
    const { body, session_id, event } = observation;
    if (body.kind === 'decided') {
      note(state, observation);
      return [];
    }
    if (state.approvals.some((approval) => covers(approval, observation))) return [];
    const times = state.decided.find(({ tool }) => tool === body.tool)?.times ?? 0;
    const in_session = state.approvals.findLast((approval) => approval.session_id === session_id);
    const usual = state.approvals.findLast(({ tool }) => tool === body.tool);
    const severity: Severity | undefined =
      times >= USUAL_TIMES ? 'medium' : in_session === undefined ? undefined : 'low';
    const example = times >= USUAL_TIMES ? (usual ?? in_session) : in_session;
    if (severity === undefined || !isNews(state.told, `${session_id}\u0000${event.server}\u0000${body.tool}`, TOLD_MAX))
      return [];
    return [
      {
        severity,
        steps: inLogOrder([
          ...(example === undefined ? [] : [{ event: example.event, role: 'Such calls are decided on, as here' }]),
          { event, role: 'This call was not' },
        ]),
        source: `${event.server}\u0000${body.tool}`,
        sink_digest: event.event_id,
        detail: { server: event.server, tool: body.tool, times },
      },
    ];
  },

  explain({ steps, detail: { server, tool, times } }) {
    const name = `${shorten(tool, 64)} on ${serverName(server)}`;
    const usual =
      times >= USUAL_TIMES
        ? `Calls of ${shorten(tool, 64)} were decided on ${times} times before`
        : 'Other calls of this session were decided on';
    return {
      title: `${name} was called without an approval`,
      reason: `${usual}. This call of ${name}, which destroys, has no approval in the quarter of an hour before it.`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'A tool that always goes through approval, once without',
      fires: true,
      severity: 'medium',
      events: [...approvedCalls(3), after(3_600_000, elsewhere('later', remove('c-9')))],
    },
    {
      name: 'Approvals are in use in the session, for other tools',
      fires: true,
      severity: 'low',
      events: [decided('send_mail', 'c-1', 'granted'), remove('c-2')],
    },
    {
      name: 'The request was denied and the call made all the same',
      fires: true,
      severity: 'low',
      events: [decided('delete_record', 'c-1', 'denied'), remove('c-1')],
    },
    { name: 'Near miss: every call has its approval', fires: false, events: approvedCalls(5) },
    { name: 'Near miss: nobody uses approvals', fires: false, events: [remove('c-1'), remove('c-2')] },
    {
      name: 'Near miss: granted for the whole session',
      fires: false,
      events: [decided('delete_record', '', 'granted', 'session'), remove('c-1'), after(3_600_000, remove('c-2'))],
    },
    {
      name: 'Near miss: granted always to this user',
      fires: false,
      events: [
        ...approvedCalls(3),
        decided('delete_record', '', 'granted', 'always'),
        after(3_600_000, elsewhere('later', remove('c-9'))),
      ],
    },
    {
      name: 'Near miss: a call that only reads',
      fires: false,
      events: [decided('send_mail', 'c-1', 'granted'), call('clinic', 'list_records', {})],
    },
  ],
});

function note(state: State, { body, session_id, user_id, time_ms, event }: Observation<Body>): void {
  if (body.kind !== 'decided') return;
  const { kind: _, ...decision } = body;
  keep(state.approvals, { ...decision, session_id, user_id, time_ms, event }, APPROVALS_MAX);
  const known = state.decided.find(({ tool }) => tool === body.tool);
  if (known === undefined) keep(state.decided, { tool: body.tool, times: 1 }, TOOLS_MAX);
  else known.times++;
}

/** Whether an approval lets this call pass: by its id, just before it, for the session, or for good. */
function covers(approval: Approval, { body, session_id, user_id, time_ms }: Observation<Body>): boolean {
  if (!approval.granted) return false;
  if (approval.call_id !== '' && approval.call_id === body.call_id && approval.session_id === session_id) return true;
  if (approval.tool !== body.tool) return false;
  if (approval.scope === 'always') return approval.user_id === user_id;
  if (approval.session_id !== session_id) return false;
  if (approval.scope === 'session') return true;
  // An approval of another call, known by its id, is spent on that one.
  const free = approval.call_id === '' || body.call_id === '';
  return free && time_ms - approval.time_ms <= JUST_BEFORE_MS;
}

function remove(call_id: string): RawEvent {
  return { ...call('clinic', 'delete_record', { id: 4 }), call_id };
}

function decided(tool: string, call_id: string, decision: string, scope = 'once'): RawEvent {
  const approval = {
    action: tool,
    decision,
    scope,
    decided_at: '2026-01-15T09:00:00Z',
    ...(call_id !== '' && { call_id }),
  };
  return { type: 'approval', server: 'clinic', tool, approval };
}

function approvedCalls(times: number): RawEvent[] {
  return Array.from({ length: times }, (_, at) => [
    decided('delete_record', `c-${at}`, 'granted'),
    remove(`c-${at}`),
  ]).flat();
}
