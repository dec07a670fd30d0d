/** Finds calls that are not what was shown to the approver. */
import type { Severity } from '../../core/alert.ts';
import type { ProvenanceEvent } from '../../core/event.ts';
import { keep } from '../bounded.ts';
import { defineDetector, type Match } from '../detector.ts';
import { approvalOf } from '../event_fields.ts';
import { call, type RawEvent } from '../example_events.ts';
import { type EventRef, refOf } from '../lineage/edge.ts';
import { once } from '../once.ts';
import { bareDigest, canonicalDigest, sha256Hex } from '../tools/canonical_digest.ts';
import { isRecord } from '../tools/schema_names.ts';
import { inLogOrder, serverName, shorten } from '../wording.ts';

interface Called {
  call_id: string;
  server: string;
  tool: string;
  /** Digests of the parameters in the ways they are computed; empty when they were not sent whole. */
  /** Worked out when it was approved. */
  params: () => readonly string[];
  event: EventRef;
}

interface Granted {
  call_id: string;
  /** Where the approval names none, empty. */
  server: string;
  tool: string;
  params: string;
  event: EventRef;
}

interface State {
  called: Called[];
  granted: Granted[];
  /** Whether a digest of an approval was ever one of ours. */
  digests_agree: boolean;
}

type Difference = 'tool' | 'server' | 'parameters';

interface Detail {
  called: Pick<Called, 'server' | 'tool' | 'call_id'>;
  granted: Pick<Granted, 'server' | 'tool'>;
  differences: Difference[];
  agree: boolean;
}

const CALLS_MAX = 128;

export default defineDetector<State, Detail>({
  metadata: {
    id: 'approval_mismatch',
    version: 1,
    title: 'Call differs from what was approved',
    description: {
      detects:
        'A granted approval and a call of the same call id whose tool, server or parameters differ: the approver saw ' +
        'something else than what was carried out. The approval may come before or after the call.',
      misses:
        'Approvals without a call id, and parameters that were not sent whole. Digests count when they are SHA-256 of the ' +
        'parameters as JSON, canonical or as they stand.',
    },
    severity: 'high',
    status: 'experimental',
    tags: ['AML.T0053', 'AML.T0011', 'ASI09', 'ASI02', 'LLM06', 'MCP02'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0053',
      'https://www.rfc-editor.org/rfc/rfc8785',
      'https://owasp.org/www-project-mcp-top-10/',
    ],
    false_positives: [
      'The client hashes the parameters in another way: reported as medium until one digest in the session has agreed.',
      'A gateway that fills in parameters after the approval.',
      'Call ids that a client uses more than once.',
    ],
    runbook: [
      'Compare what the approver saw with the call’s parameters.',
      'If they differ in substance, undo what the call did where that is possible.',
      'Find out what changed the call after it was approved: the model, the client or a server.',
      'Have the gateway check the digest before it lets a call pass.',
    ],
  },
  watches: ['approval', 'tool.call'],
  group_by: 'session',
  initial: () => ({ called: [], granted: [], digests_agree: false }),

  step(state, event): Match<Detail>[] {
    if (event.type === 'tool.call') {
      if (event.call_id === undefined) return [];
      const called = calledBy(event, event.call_id);
      keep(state.called, called, CALLS_MAX);
      const granted = state.granted.findLast(({ call_id }) => call_id === called.call_id);
      return granted === undefined ? [] : compare(state, granted, called);
    }
    const approval = approvalOf(event);
    if (approval?.call_id === undefined || approval.decision !== 'granted') return [];
    const { call_id, params_sha256 } = approval;
    const granted = {
      call_id,
      server: event.server ?? '',
      tool: event.tool ?? '',
      params: params_sha256 === undefined ? '' : bareDigest(params_sha256),
      event: refOf(event),
    };
    keep(state.granted, granted, CALLS_MAX);
    const called = state.called.findLast((one) => one.call_id === call_id);
    return called === undefined ? [] : compare(state, granted, called);
  },

  explain({ steps, detail: { called, granted, differences, agree } }) {
    const name = `${shorten(called.tool, 64)} on ${serverName(called.server)}`;
    const call = `Call ${shorten(called.call_id, 64)}`;
    const shown_tool = shorten(granted.tool === '' ? called.tool : granted.tool, 64);
    const shown = `${shown_tool} on ${serverName(granted.server === '' ? called.server : granted.server)}`;
    const parameters = differences.includes('parameters');
    const reason =
      shown === name
        ? `${call} of ${name} was carried out with other parameters than those that were approved.`
        : `${call} was approved as ${shown} and carried out as ${name}${parameters ? ', with other parameters' : ''}.`;
    const doubt =
      ' No digest of this session’s approvals has agreed with ours, so they may be computed in another way.';
    return {
      title: `${name} was called otherwise than it was approved`,
      reason: `${reason}${parameters && !agree ? doubt : ''}`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'Another recipient than the one that was approved',
      fires: true,
      severity: 'high',
      events: [
        approved('c-1', 'send_mail', { to: 'lee@example.com' }),
        called('c-1', 'send_mail', { to: 'lee@example.com' }),
        approved('c-2', 'send_mail', { to: 'lee@example.com' }),
        called('c-2', 'send_mail', { to: 'desk@collector.test' }),
      ],
    },
    {
      name: 'A delete where a read was approved',
      fires: true,
      severity: 'high',
      events: [approved('c-1', 'read_mail', { id: 4 }), called('c-1', 'delete_mail', { id: 4 })],
    },
    {
      name: 'The digest differs, and none has agreed so far',
      fires: true,
      severity: 'medium',
      events: [
        called('c-1', 'send_mail', { to: 'lee@example.com' }),
        approved('c-1', 'send_mail', { to: 'ana@example.com' }),
      ],
    },
    {
      name: 'Near miss: the call is what was approved, with members in another order',
      fires: false,
      events: [
        approved('c-1', 'send_mail', { to: 'lee@example.com', text: 'Hello' }),
        called('c-1', 'send_mail', { text: 'Hello', to: 'lee@example.com' }),
      ],
    },
    {
      name: 'Near miss: the request was denied',
      fires: false,
      events: [{ ...approved('c-1', 'send_mail', { to: 'a' }, 'denied') }, called('c-1', 'send_mail', { to: 'b' })],
    },
    {
      name: 'Near miss: another call',
      fires: false,
      events: [approved('c-1', 'send_mail', { to: 'a' }), called('c-2', 'send_mail', { to: 'b' })],
    },
    {
      name: 'Near miss: the parameters were not sent whole',
      fires: false,
      events: [
        approved('c-1', 'send_mail', { to: 'a' }),
        { ...called('c-1', 'send_mail', { to: 'a' }), capture: { params: 'truncated' }, params: { to: '' } },
      ],
    },
  ],
});

function calledBy(event: ProvenanceEvent, call_id: string): Called {
  return {
    call_id,
    server: event.server ?? '',
    tool: event.tool ?? '',
    params: once(() => digestsOf(event)),
    event: refOf(event),
  };
}

/** As canonical JSON, and as the members stand; or what the producer computed where it kept the parameters back. */
function digestsOf(event: ProvenanceEvent): string[] {
  const capture = isRecord(event.rest.capture) ? event.rest.capture.params : undefined;
  const level = isRecord(capture) ? capture.level : capture;
  if (level !== undefined && level !== 'full') {
    return isRecord(capture) && typeof capture.sha256 === 'string' ? [bareDigest(capture.sha256)] : [];
  }
  const params = event.params ?? {};
  const canonical = canonicalDigest(params);
  return canonical === undefined ? [] : [canonical, sha256Hex(JSON.stringify(params))];
}

function compare(state: State, granted: Granted, called: Called): Match<Detail>[] {
  const params = called.params();
  const compared = granted.params !== '' && params.length > 0;
  const same = params.includes(granted.params);
  if (compared && same) state.digests_agree = true;
  const differences: Difference[] = [];
  if (granted.tool !== '' && granted.tool !== called.tool) differences.push('tool');
  if (granted.server !== '' && granted.server !== called.server) differences.push('server');
  if (compared && !same) differences.push('parameters');
  if (differences.length === 0) return [];
  const agree = state.digests_agree;
  const severity: Severity =
    agree || differences.includes('tool') || differences.includes('server') ? 'high' : 'medium';
  const { server, tool, call_id } = called;
  return [
    {
      severity,
      steps: inLogOrder([
        { event: granted.event, role: 'This was approved' },
        { event: called.event, role: 'This was carried out' },
      ]),
      source: granted.event.event_id,
      sink_digest: `${call_id}\u0000${differences.join(' ')}`,
      detail: {
        called: { server, tool, call_id },
        granted: { server: granted.server, tool: granted.tool },
        differences,
        agree,
      },
    },
  ];
}

function called(call_id: string, tool: string, params: Record<string, unknown>): RawEvent {
  return { ...call('mail', tool, params), call_id };
}

function approved(call_id: string, tool: string, params: Record<string, unknown>, decision = 'granted'): RawEvent {
  const approval = {
    action: tool,
    call_id,
    decision,
    decided_at: '2026-01-15T09:00:00Z',
    params_sha256: canonicalDigest(params),
  };
  return { type: 'approval', server: 'mail', tool, approval };
}
