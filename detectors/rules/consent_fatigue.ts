/** Finds approvers who are asked so often that they no longer read. */
import type { Severity } from '../../core/alert.ts';
import { keep } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match } from '../detector.ts';
import { approvalOf } from '../event_fields.ts';
import { after, type RawEvent } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { duration, inLogOrder, shorten } from '../wording.ts';

interface Body {
  granted: boolean;
  decided_ms: number;
  /** How long the decision took, where it is known. */
  took_ms?: number;
}

interface State {
  decisions: (Body & { event: EventRef })[];
  told_ms?: number;
}

interface Detail {
  approver: string;
  granted: number;
  /** Median times of the earlier and the later half. */
  before_ms: number;
  after_ms: number;
  timed: boolean;
}

const HOUR_MS = 3_600_000;
const DECISIONS_MAX = 64;
const GRANTED_MIN = 10;
/** Without times, only a flood of approvals says something. */
const GRANTED_UNTIMED_MIN = 30;
const QUICK_MS = 5_000;
/** Nobody reads a request in less. */
const UNREAD_MS = 1_500;
const DAY_MS = 86_400_000;
/** When the examples begin. */
const START_MS = Date.UTC(2026, 0, 15, 9);

export default defineCorrelator<State, Body, Detail>({
  metadata: {
    id: 'consent_fatigue',
    version: 1,
    title: 'Approvals are granted without being read',
    description: {
      detects:
        `An approver who grants at least ${GRANTED_MIN} requests within an hour and takes half the time or less for the later ` +
        'half, within seconds; or who grants them faster than a request can be read. Told once an hour.',
      misses: 'Approvals that are granted once for a whole session, and approvers who answer slowly without reading.',
    },
    severity: 'medium',
    status: 'experimental',
    tags: ['AML.T0011', 'AML.T0053', 'ASI09', 'LLM06', 'MCP02'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0011',
      'https://genai.owasp.org/llmrisk/llm062025-excessive-agency/',
      'https://owasp.org/www-project-mcp-top-10/',
    ],
    false_positives: [
      'A program that approves by rules under the name of a person.',
      'Many requests of one kind that the approver has just looked at.',
    ],
    runbook: [
      'Look through what was granted in this hour, the last ones first.',
      'Find out why there were so many requests: a loop, or something that wants to wear people down?',
      'Let harmless actions pass by rule, so that the others are read again.',
    ],
  },
  watches: ['approval'],
  group_by: 'user',
  window_ms: DAY_MS,
  initial: () => ({ decisions: [] }),

  extract(event): Extract<Body>[] {
    const approval = approvalOf(event);
    const key = approval?.approver ?? event.user_id;
    if (approval === undefined || key === undefined || approval.decision === 'expired') return [];
    const decided_ms = Date.parse(approval.decided_at);
    const asked_ms = approval.requested_at === undefined ? undefined : Date.parse(approval.requested_at);
    const took = asked_ms === undefined || asked_ms > decided_ms ? {} : { took_ms: decided_ms - asked_ms };
    return [{ key, body: { granted: approval.decision === 'granted', decided_ms, ...took } }];
  },

  step(state, { key, body, event }): Match<Detail>[] {
    keep(state.decisions, { ...body, event }, DECISIONS_MAX);
    const from_ms = body.decided_ms - HOUR_MS;
    const granted = state.decisions.filter(
      (one) => one.granted && one.decided_ms > from_ms && one.decided_ms <= body.decided_ms,
    );
    const first = granted[0];
    if (first === undefined || !body.granted || (state.told_ms !== undefined && state.told_ms > from_ms)) return [];
    const times = granted.flatMap(({ took_ms }) => took_ms ?? []);
    const half = Math.floor(times.length / 2);
    const before_ms = median(times.slice(0, half));
    const after_ms = median(times.slice(half));
    const timed = times.length >= GRANTED_MIN;
    const severity = severityOf(granted.length, timed, before_ms, after_ms);
    if (severity === undefined) return [];
    state.told_ms = body.decided_ms;
    return [
      {
        severity,
        steps: inLogOrder([
          { event: first.event, role: 'The first of these approvals' },
          { event, role: 'The last one so far' },
        ]),
        source: key,
        sink_digest: String(body.decided_ms),
        detail: { approver: key, granted: granted.length, before_ms, after_ms, timed },
      },
    ];
  },

  explain({ steps, detail: { approver, granted, before_ms, after_ms, timed } }) {
    const times = timed
      ? ` Half of the earlier ones took up to ${seconds(before_ms)}, half of the later ones up to ${seconds(after_ms)}.`
      : ' How long each of them took is not known.';
    return {
      title: `${shorten(approver, 80)} granted ${granted} requests within an hour`,
      reason: `${shorten(approver, 80)} granted ${granted} requests within ${duration(HOUR_MS)}.${times}`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'Twelve approvals, faster and faster',
      fires: true,
      severity: 'medium',
      events: approvals(12, (at) => 20_000 / (at + 1)),
    },
    {
      name: 'Ten approvals that nobody can have read',
      fires: true,
      severity: 'medium',
      events: approvals(10, () => 700),
    },
    {
      name: 'A flood of approvals without times',
      fires: true,
      severity: 'low',
      events: approvals(32, () => undefined),
    },
    { name: 'Near miss: nine approvals in a hurry', fires: false, events: approvals(9, () => 700) },
    { name: 'Near miss: twelve that are read', fires: false, events: approvals(12, () => 14_000) },
    {
      name: 'Near miss: twelve over a day',
      fires: false,
      events: approvals(12, () => 700, 'granted', 7_200_000),
    },
    {
      name: 'Near miss: requests that are denied',
      fires: false,
      events: approvals(14, () => 700, 'denied'),
    },
  ],
});

function severityOf(granted: number, timed: boolean, before_ms: number, after_ms: number): Severity | undefined {
  if (!timed) return granted >= GRANTED_UNTIMED_MIN ? 'low' : undefined;
  if (granted < GRANTED_MIN) return undefined;
  const falling = after_ms <= before_ms / 2 && after_ms <= QUICK_MS;
  return falling || Math.max(before_ms, after_ms) <= UNREAD_MS ? 'medium' : undefined;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} seconds`;
}

function approvals(
  times: number,
  took: (at: number) => number | undefined,
  decision = 'granted',
  every_ms = 60_000,
): RawEvent[] {
  return Array.from({ length: times }, (_, at) => {
    const decided_ms = START_MS + at * every_ms;
    const took_ms = took(at);
    const approval = {
      action: 'run_command',
      decision,
      approver: 'ana@example.com',
      decided_at: new Date(decided_ms).toISOString(),
      ...(took_ms !== undefined && { requested_at: new Date(decided_ms - took_ms).toISOString() }),
    };
    return after(every_ms, { type: 'approval', approval });
  });
}
