/** Finds sessions that fall silent right after something alarming, while their user goes on elsewhere. */
import { severityRank } from '../../core/alert.ts';
import { keep } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match } from '../detector.ts';
import { after, call, elsewhere, prompt, type RawEvent, result } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { duration, shorten } from '../wording.ts';

interface Body {
  /** The rule that raised an alarm here; otherwise the event is a sign of life. */
  alarm?: string;
}

interface State {
  alarms: { session_id: string; rule: string; time_ms: number; event: EventRef }[];
}

interface Detail {
  rule: string;
  silent_ms: number;
}

const ALARMS_MAX = 32;
const SILENCE_MIN_MS = 1_800_000;
const DAY_MS = 86_400_000;
const ALARMING = severityRank('high');

export default defineCorrelator<State, Body, Detail>({
  metadata: {
    id: 'silent_after_alert',
    version: 1,
    title: 'Session fell silent after an alarm',
    description: {
      detects:
        'A session without any answer or end after an event that a detector holds for high or critical, while the ' +
        'same user is active in another session half an hour later: its telemetry may have been cut off.',
      misses:
        'Users with one session, and producers that report neither answers nor ends. Calls and prompts alone are no sign of life here.',
    },
    severity: 'low',
    status: 'experimental',
    tags: ['AML.T0092', 'ASI10', 'LLM06', 'MCP08'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0092',
      'https://owasp.org/www-project-mcp-top-10/',
      'https://attack.mitre.org/techniques/T1562/',
    ],
    false_positives: [
      'The session was suspended because of the alarm.',
      'The user saw what happened and closed the program.',
    ],
    runbook: [
      'Was the session suspended? Then this says nothing.',
      'Look whether its client is still running, and whether its servers were called since.',
      'Ask the user what was seen, and keep the client’s own log.',
    ],
  },
  watches: ['response', 'session.start', 'session.end', 'tool.call', 'tool.result'],
  group_by: 'user',
  window_ms: DAY_MS,
  initial: () => ({ alarms: [] }),

  extract(event, { signals }): Extract<Body>[] {
    if (event.user_id === undefined) return [];
    const alarm = signals.find(({ severity }) => severityRank(severity) >= ALARMING)?.rule_id;
    if (alarm !== undefined) return [{ key: event.user_id, body: { alarm } }];
    return event.type === 'tool.call' || event.type === 'tool.result'
      ? []
      : [{ key: event.user_id, transient: true, body: {} }];
  },

  step(state, { body, event, session_id, time_ms }): Match<Detail>[] {
    const of_others = state.alarms.filter((alarm) => alarm.session_id !== session_id);
    const silent = of_others.filter((alarm) => time_ms - alarm.time_ms >= SILENCE_MIN_MS);
    state.alarms = of_others.filter((alarm) => !silent.includes(alarm));
    if (body.alarm !== undefined) keep(state.alarms, { session_id, rule: body.alarm, time_ms, event }, ALARMS_MAX);
    return silent.map((alarm) => ({
      severity: 'low',
      steps: [
        { event: alarm.event, role: 'Here the session raised an alarm, and nothing came after it' },
        { event, role: 'The user goes on in another session' },
      ],
      source: alarm.event.event_id,
      sink_digest: alarm.session_id,
      detail: { rule: alarm.rule, silent_ms: time_ms - alarm.time_ms },
    }));
  },

  explain({ steps, detail: { rule, silent_ms } }) {
    return {
      title: 'A session fell silent after an alarm',
      reason: `A session of this user raised ${shorten(rule, 64)}, and has shown no answer and no end since. ${duration(silent_ms)} later the user is active in another session.`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'Nothing comes after a stolen token, and the user goes on elsewhere',
      fires: true,
      severity: 'low',
      events: [...theft(), after(3_600_000, elsewhere('next', { type: 'session.start' }))],
    },
    {
      name: 'The other session begins a day later',
      fires: true,
      severity: 'low',
      events: [...theft(), after(80_000_000, elsewhere('next', { type: 'response', content: 'Good morning.' }))],
    },
    {
      name: 'A result came, and no answer',
      fires: true,
      severity: 'low',
      events: [
        ...theft(),
        result('browser', 'fetch_url', 'ok'),
        after(3_600_000, elsewhere('next', { type: 'session.start' })),
      ],
    },
    {
      name: 'Near miss: the agent answered',
      fires: false,
      events: [
        ...theft(),
        { type: 'response', content: 'Done.' },
        after(3_600_000, elsewhere('next', { type: 'session.start' })),
      ],
    },
    {
      name: 'Near miss: the other session is active at the same time',
      fires: false,
      events: [...theft(), after(60_000, elsewhere('next', { type: 'session.start' }))],
    },
    {
      name: 'Near miss: another user',
      fires: false,
      events: [
        ...theft(),
        after(3_600_000, elsewhere('next', { type: 'session.start' }, { user_id: 'rob@example.com' })),
      ],
    },
    {
      name: 'Near miss: nothing alarming happened',
      fires: false,
      events: [
        call('files', 'read_file', { path: 'plan.txt' }),
        after(3_600_000, elsewhere('next', { type: 'session.start' })),
      ],
    },
  ],
});

/** What `credential_path_read` holds for high. */
function theft(): RawEvent[] {
  return [
    prompt('Check the weather.'),
    call('browser', 'fetch_url', { url: 'http://169.254.169.254/latest/meta-data/' }),
  ];
}
