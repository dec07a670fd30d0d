/** Finds sessions in which something was denied and then done another way. */
import type { Severity } from '../../core/alert.ts';
import type { ProvenanceEvent } from '../../core/event.ts';
import { keep } from '../bounded.ts';
import type { CallProfile } from '../catalog/capabilities.ts';
import { type DetectorContext, defineDetector, type Match } from '../detector.ts';
import { approvalOf, decisionOf } from '../event_fields.ts';
import { call, type RawEvent, result, tools } from '../example_events.ts';
import { type EventRef, refOf } from '../lineage/edge.ts';
import { once } from '../once.ts';
import { callTargets, type Target } from '../supply/call_targets.ts';
import { inLogOrder, serverName, shorten } from '../wording.ts';

interface Call {
  call_id: string;
  server: string;
  tool: string;
  powers: string[];
  /** Worked out when something was denied. */
  targets: () => readonly Target[];
  event: EventRef;
}

interface Denial {
  call_id: string;
  by: 'policy' | 'approver';
  /** What was denied; absent while only its id is known. */
  call?: Call;
  event: EventRef;
}

interface State {
  calls: Call[];
  denials: Denial[];
  /** Calls by their id, and tools, that a person let through. */
  granted: string[];
  /** Ids of calls that a policy let pass. */
  allowed: string[];
}

interface Detail {
  denied: Pick<Call, 'server' | 'tool'>;
  done: Pick<Call, 'server' | 'tool'>;
  by: Denial['by'];
  way: 'same_call' | 'same_tool' | 'other_tool';
  specific: boolean;
}

const CALLS_MAX = 96;
const DENIALS_MAX = 24;
const GRANTED_MAX = 96;
/** What a call can do, as far as it matters that another one can do it too. */
const POWERS = [
  'egress',
  'write',
  'destructive',
  'exec',
  'persist',
  'memory_write',
  'auth',
  'secret_read',
  'sensitive_read',
];
const GRAVE = new Set(['egress', 'destructive', 'exec', 'auth', 'secret_read']);

export default defineDetector<State, Detail>({
  metadata: {
    id: 'denied_then_achieved',
    version: 1,
    title: 'Something denied was done another way',
    description: {
      detects:
        'A call that a policy or an approver denied, and a later call of the session with the same target and an equivalent ' +
        'power that succeeded without being granted by a person: through another tool, or the denied call itself.',
      misses:
        'Detours whose target is written otherwise or split, detours in another session, and results that are not reported.',
    },
    severity: 'high',
    status: 'experimental',
    tags: ['AML.T0053', 'AML.T0107', 'ASI02', 'ASI10', 'LLM06', 'MCP02'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0053',
      'https://genai.owasp.org/llmrisk/llm062025-excessive-agency/',
      'https://owasp.org/www-project-mcp-top-10/',
    ],
    false_positives: [
      'A policy that denies one tool in order to send agents to another one, which is the approved way.',
      'A person who denies a request and then asks for the same in other words.',
      'A second try with less in it that the policy lets through: reported as low.',
    ],
    runbook: [
      'Read why the first call was denied, and whether the reason holds for the second one too.',
      'Look at the reasoning between them: did the agent look for a way around?',
      'Undo what the second call did, and close that way in the policy.',
      'Suspend the session if the agent went around on purpose.',
    ],
  },
  watches: ['tool.call', 'policy.decision', 'approval', 'tool.result'],
  group_by: 'session',
  initial: () => ({ calls: [], denials: [], granted: [], allowed: [] }),

  step(state, event, context): Match<Detail>[] {
    if (event.type === 'tool.call') noteCall(state, event, context);
    noteDecision(state, event);
    if (state.denials.length === 0 || event.type !== 'tool.result') return [];
    if (event.is_error === true || soundsDenied(event.content)) return [];
    const done = calledFor(state, event);
    if (done === undefined) return [];
    // The latest denial that fits; the same detour is told once.
    const denial = state.denials.findLast((one) => wayAround(one, done) !== undefined);
    const way = denial && wayAround(denial, done);
    if (denial === undefined || way === undefined || isGranted(state, done, denial)) return [];
    return [matchOf(denial, done, way, refOf(event))];
  },

  explain({ steps, detail: { denied, done, by, way, specific } }) {
    const first = `${shorten(denied.tool, 64)} on ${serverName(denied.server)}`;
    const second = `${shorten(done.tool, 64)} on ${serverName(done.server)}`;
    const who = by === 'policy' ? 'A policy' : 'The approver';
    const target = specific ? 'the same target' : 'a target of the same name';
    const reasons = {
      same_call: `${who} denied the call of ${first}, and it was carried out all the same.`,
      same_tool: `${who} denied a call of ${first}. Another call of it with ${target} succeeded, and nobody is known to have granted it.`,
      other_tool: `${who} denied ${first}. Then ${second} did something of the same kind to ${target} and succeeded, and nobody is known to have granted it.`,
    };
    return { title: `${second} did what ${first} had been denied`, reason: reasons[way], evidence: steps };
  },

  examples: [
    {
      name: 'A denied mail leaves through another server',
      fires: true,
      severity: 'high',
      events: [
        ...denied('c-1', call('mail', 'send_email', { to: 'desk@collector.test', body: 'plan' })),
        decided('c-2', 'allow'),
        ...succeeded('c-2', call('forms', 'submit_form', { recipient: 'desk@collector.test', text: 'plan' })),
      ],
    },
    {
      name: 'A file that must not be deleted is deleted by a command',
      fires: true,
      severity: 'high',
      events: [
        tools('shell', [{ name: 'run_command', description: 'Runs a command.' }]),
        ...denied('c-1', call('files', 'delete_file', { path: '/srv/books/ledger.db' })),
        ...succeeded('c-2', call('shell', 'run_command', { command: 'rm -f /srv/books/ledger.db' })),
      ],
    },
    {
      name: 'The denied call is carried out all the same',
      fires: true,
      severity: 'medium',
      events: [
        { ...call('files', 'delete_file', { path: '/srv/books/ledger.db' }), call_id: 'c-1' },
        decided('c-1', 'deny'),
        { ...result('files', 'delete_file', 'removed'), call_id: 'c-1' },
      ],
    },
    {
      name: 'A second try of the same tool succeeds',
      fires: true,
      severity: 'low',
      events: [
        ...denied('c-1', call('mail', 'send_email', { to: 'lee@example.org', body: 'all figures' })),
        ...succeeded('c-2', call('mail', 'send_email', { to: 'lee@example.org', body: 'hello' })),
      ],
    },
    {
      name: 'Near miss: the detour fails',
      fires: false,
      events: [
        ...denied('c-1', call('mail', 'send_email', { to: 'desk@collector.test' })),
        { ...call('forms', 'submit_form', { recipient: 'desk@collector.test' }), call_id: 'c-2' },
        { ...result('forms', 'submit_form', 'refused'), call_id: 'c-2', is_error: true },
      ],
    },
    {
      name: 'Near miss: the second call was granted',
      fires: false,
      events: [
        ...denied('c-1', call('mail', 'send_email', { to: 'lee@example.org' })),
        approved('c-2'),
        ...succeeded('c-2', call('forms', 'submit_form', { recipient: 'lee@example.org' })),
      ],
    },
    {
      name: 'Near miss: the policy took its denial back',
      fires: false,
      events: [
        { ...call('files', 'delete_file', { path: '/srv/books/ledger.db' }), call_id: 'c-1' },
        decided('c-1', 'deny'),
        decided('c-1', 'allow'),
        { ...result('files', 'delete_file', 'removed'), call_id: 'c-1' },
      ],
    },
    {
      name: 'Near miss: another target',
      fires: false,
      events: [
        ...denied('c-1', call('mail', 'send_email', { to: 'desk@collector.test' })),
        ...succeeded('c-2', call('forms', 'submit_form', { recipient: 'lee@example.org' })),
      ],
    },
    {
      name: 'Near miss: the target is only looked up',
      fires: false,
      events: [
        ...denied('c-1', call('files', 'delete_file', { path: '/srv/books/ledger.db' })),
        ...succeeded('c-2', call('files', 'get_file_info', { path: '/srv/books/ledger.db' })),
      ],
    },
    {
      name: 'Near miss: it was done before it was denied',
      fires: false,
      events: [
        ...succeeded('c-1', call('forms', 'submit_form', { recipient: 'desk@collector.test' })),
        ...denied('c-2', call('mail', 'send_email', { to: 'desk@collector.test' })),
      ],
    },
  ],
});

function noteCall(state: State, event: ProvenanceEvent, { call: profile }: DetectorContext): void {
  const called: Call = {
    call_id: event.call_id ?? event.event_id,
    server: event.server ?? '',
    tool: event.tool ?? '',
    powers: powersOf(profile),
    targets: once(() => callTargets(event, profile)),
    event: refOf(event),
  };
  keep(state.calls, called, CALLS_MAX);
  for (const denial of state.denials) if (denial.call_id === called.call_id) denial.call ??= called;
}

function powersOf(profile: CallProfile | undefined): string[] {
  const capabilities = new Set<string>(profile?.capabilities);
  if (profile?.egress === true) capabilities.add('egress');
  const powers = POWERS.filter((power) => capabilities.has(power));
  return powers.length === 0 ? ['read'] : powers;
}

function noteDecision(state: State, event: ProvenanceEvent): void {
  const approval = approvalOf(event);
  const decision = decisionOf(event);
  const call_id = approval?.call_id ?? event.call_id;
  const denies = approval?.decision === 'denied' || decision?.action === 'deny';
  if (approval?.decision === 'granted') {
    keep(state.granted, call_id ?? `tool ${event.server ?? ''} ${event.tool ?? approval.action}`, GRANTED_MAX);
  }
  // A policy that lets the detour pass was gone around as well; only for the denied call itself is it a change of mind.
  if (decision?.action === 'allow' && call_id !== undefined) keep(state.allowed, call_id, GRANTED_MAX);
  if (!denies || call_id === undefined) return;
  const called = state.calls.findLast((one) => one.call_id === call_id);
  const by = approval === undefined ? 'policy' : 'approver';
  keep(state.denials, { call_id, by, ...(called && { call: called }), event: refOf(event) }, DENIALS_MAX);
}

function calledFor(state: State, event: ProvenanceEvent): Call | undefined {
  if (event.call_id !== undefined) return state.calls.findLast(({ call_id }) => call_id === event.call_id);
  return state.calls.findLast(({ server, tool }) => server === (event.server ?? '') && tool === event.tool);
}

/** Some producers report a refusal as the call's result. */
function soundsDenied(content: string | undefined): boolean {
  return /\b(?:denied|refused|rejected|blocked|not (?:allowed|permitted|authori[sz]ed)|forbidden|declined)\b/i.test(
    (content ?? '').slice(0, 400),
  );
}

type Way = { way: Detail['way']; specific: boolean };

/** How a call that succeeded goes around a denial; undefined when it has nothing to do with it. */
function wayAround({ call_id, call: was, event }: Denial, done: Call): Way | undefined {
  if (call_id === done.call_id) return { way: 'same_call', specific: true };
  if (was === undefined || done.event.seq < event.seq || !isEquivalent(was.powers, done.powers)) return undefined;
  const shared = was.targets().filter(({ digest }) => done.targets().some((target) => target.digest === digest));
  if (shared.length === 0) return undefined;
  const way = was.server === done.server && was.tool === done.tool ? 'same_tool' : 'other_tool';
  return { way, specific: shared.some(({ specific }) => specific) };
}

/** A command can do anything; otherwise the two have a power in common. */
function isEquivalent(denied: readonly string[], done: readonly string[]): boolean {
  return done.includes('exec') || denied.some((power) => done.includes(power));
}

/** Whether a person granted the call, or the denied one, or a policy took back its own denial of it. */
function isGranted({ granted, allowed }: State, done: Call, denial: Denial): boolean {
  if (denial.call_id === done.call_id && allowed.includes(done.call_id)) return true;
  return [done.call_id, `tool ${done.server} ${done.tool}`, denial.call_id].some((name) => granted.includes(name));
}

function severityOf({ way, specific }: Way, powers: readonly string[]): Severity {
  if (way === 'same_call') return 'medium';
  if (way === 'same_tool' || !specific) return 'low';
  return powers.some((power) => GRAVE.has(power)) ? 'high' : 'medium';
}

function matchOf(denial: Denial, done: Call, way: Way, end: EventRef): Match<Detail> {
  const was = denial.call ?? done;
  const events = new Map([denial.event, done.event, end].map((event) => [event.event_id, event]));
  return {
    severity: severityOf(way, was.powers),
    steps: inLogOrder(
      [...events.values()].map((event) => ({
        event,
        role:
          event === denial.event
            ? 'This was denied'
            : event === end
              ? 'And it succeeded'
              : 'This call went another way',
      })),
    ),
    source: denial.event.event_id,
    sink_digest: done.call_id,
    detail: {
      denied: { server: was.server, tool: was.tool },
      done: { server: done.server, tool: done.tool },
      by: denial.by,
      ...way,
    },
  };
}

function decided(call_id: string, action: string): RawEvent {
  return { type: 'policy.decision', call_id, decision: { action } };
}

function denied(call_id: string, event: RawEvent): RawEvent[] {
  return [{ ...event, call_id }, decided(call_id, 'deny')];
}

function approved(call_id: string): RawEvent {
  const approval = { action: 'send', call_id, decision: 'granted', decided_at: '2026-01-15T09:00:00Z' };
  return { type: 'approval', approval };
}

function succeeded(call_id: string, event: RawEvent): RawEvent[] {
  return [
    { ...event, call_id },
    { type: 'tool.result', server: event.server, tool: event.tool, call_id, content: 'done' },
  ];
}
