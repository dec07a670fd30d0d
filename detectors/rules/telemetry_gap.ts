/** Finds holes in what a session's producer reports: missing numbers, forks of its chain, calls without a result. */
import type { Severity } from '../../core/alert.ts';
import type { ProvenanceEvent } from '../../core/event.ts';
import { keep, useEntry } from '../bounded.ts';
import { defineDetector, type Match } from '../detector.ts';
import { textOf } from '../event_fields.ts';
import { call, prompt, type RawEvent, result } from '../example_events.ts';
import { type EventRef, refOf } from '../lineage/edge.ts';
import { bareDigest } from '../tools/canonical_digest.ts';
import { inLogOrder, listing, shorten } from '../wording.ts';

interface Stream {
  name: string;
  seq: number;
  chained: boolean;
  event: EventRef;
}

interface State {
  /** One for each program that numbers its events, the latest used last. */
  streams: Stream[];
  previous: { hash: string; event: EventRef }[];
  open: { call_id: string; event: EventRef }[];
  results: number;
  calls: number;
  ended?: EventRef;
  /** The kinds of gaps told so far, one entry for each time. */
  told: Gap[];
}

type Gap = 'numbers' | 'fork' | 'chain_stops' | 'no_results' | 'result_without_call' | 'after_end';

interface Detail {
  gap: Gap;
  /** Of the missing numbers, the first and the last. */
  from: number;
  to: number;
  tools: string[];
}

const STREAMS_MAX = 16;
const PREVIOUS_MAX = 128;
const OPEN_MAX = 256;
/** A lossy producer is told a few times, not for each hole. */
const TOLD_PER_KIND_MAX = 5;

export default defineDetector<State, Detail>({
  metadata: {
    id: 'telemetry_gap',
    version: 2,
    title: 'Part of a session’s record is missing',
    description: {
      detects:
        'Numbers that are left out between two events of one producer, two events that claim the same predecessor, a ' +
        'producer’s chain that stops, calls without a result at the session’s end, results without a call, and calls ' +
        'after the end.',
      misses:
        'Producers that number nothing, what is left out at the very end of a session, and a chain whose hashes are ' +
        'wrong: what a producer hashes is its own affair, so only forks of it are seen.',
    },
    severity: 'low',
    status: 'experimental',
    tags: ['AML.T0092', 'ASI08', 'LLM06', 'MCP08'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0092',
      'https://owasp.org/www-project-mcp-top-10/',
      'https://attack.mitre.org/techniques/T1562/',
    ],
    false_positives: [
      'A lossy connection or a crash of the client: look whether many sessions of a host show it at once.',
      'Calls that were cut off by the user, or still run when the session ends.',
      'Producers that report calls and results through different programs.',
    ],
    runbook: [
      'See what stands around the hole: does it begin after something that raises alerts?',
      'Ask the producer for its own log of these numbers.',
      'Compare with the servers’ logs: what was called that is not here?',
      'For a fork, keep both records: one of them was written later.',
    ],
  },
  watches: [
    'session.start',
    'prompt',
    'reasoning',
    'tool.call',
    'tool.result',
    'response',
    'resource.read',
    'tools.list',
    'approval',
    'session.end',
  ],
  group_by: 'session',
  initial: () => ({ streams: [], previous: [], open: [], results: 0, calls: 0, told: [] }),

  step(state, event): Match<Detail>[] {
    const event_ref = refOf(event);
    const matches = [...byNumber(state, event, event_ref), ...byChain(state, event, event_ref)];
    if (event.type === 'tool.call') matches.push(...byCall(state, event, event_ref));
    if (event.type === 'tool.result') matches.push(...byResult(state, event, event_ref));
    if (event.type === 'session.end') matches.push(...byEnd(state, event_ref));
    return matches.filter(({ detail: { gap } }) => {
      if (state.told.filter((told) => told === gap).length >= TOLD_PER_KIND_MAX) return false;
      state.told.push(gap);
      return true;
    });
  },

  explain({ steps, detail: { gap, from, to, tools } }) {
    const missing = from === to ? `Event number ${from}` : `Events number ${from} to ${to}`;
    const names = listing(tools.map((tool) => shorten(tool, 64)));
    const reasons: Record<Gap, string> = {
      numbers: `${missing} of the producer did not arrive. What happened there is not in the log.`,
      fork: 'Two events claim the same predecessor in the producer’s chain. One of them was put in later, or the chain began anew.',
      chain_stops: 'The producer linked its events to each other, and this one has no link to those before it.',
      no_results: `Calls of ${names} have no result when the session ends, although other calls have.`,
      result_without_call: `A result of ${names} arrived for which no call is in the log, although other calls are.`,
      after_end: `${names} was called after the session had ended: either the end is wrong, or the call is not the session’s.`,
    };
    return { title: TITLES[gap], reason: reasons[gap], evidence: steps };
  },

  examples: [
    {
      name: 'Two numbers are left out',
      fires: true,
      severity: 'low',
      events: [numbered(1, prompt('Hi')), numbered(2, call('a', 'list', {})), numbered(5, result('a', 'list', '[]'))],
    },
    {
      name: 'Two events with the same predecessor',
      fires: true,
      severity: 'medium',
      events: [
        chained('1', prompt('Hi')),
        chained('2', call('a', 'list', {})),
        chained('2', result('a', 'list', '[]')),
      ],
    },
    {
      name: 'A call that never gets its result',
      fires: true,
      severity: 'low',
      events: [...pair('c-1'), { ...call('mail', 'send_mail', {}), call_id: 'c-2' }, { type: 'session.end' }],
    },
    {
      name: 'A call after the end',
      fires: true,
      severity: 'low',
      events: [...pair('c-1'), { type: 'session.end' }, { ...call('mail', 'send_mail', {}), call_id: 'c-2' }],
    },
    {
      name: 'Near miss: every number is there',
      fires: false,
      events: [numbered(1, prompt('Hi')), numbered(2, call('a', 'list', {})), numbered(3, result('a', 'list', '[]'))],
    },
    {
      name: 'Near miss: two programs with numbers of their own',
      fires: false,
      events: [
        numbered(1, prompt('Hi')),
        numbered(40, { ...call('a', 'list', {}), client: 'gateway' }),
        numbered(2, { type: 'response', content: 'Hello' }),
      ],
    },
    {
      name: 'A run of a wrapper lost its middle',
      fires: true,
      severity: 'low',
      events: [
        numbered(0, stream('a', prompt('Hi'))),
        numbered(0, stream('b', prompt('Hi'))),
        numbered(2, stream('a', prompt('Go'))),
      ],
    },
    {
      name: 'Near miss: two runs of one program side by side',
      fires: false,
      events: [
        numbered(0, stream('a', prompt('Hi'))),
        numbered(0, stream('b', prompt('Hi'))),
        numbered(1, stream('b', call('a', 'list', {}))),
        numbered(2, stream('b', result('a', 'list', '[]'))),
        numbered(1, stream('a', prompt('Go'))),
      ],
    },
    {
      name: 'Near miss: the producer begins again at zero',
      fires: false,
      events: [numbered(9, prompt('Hi')), numbered(0, prompt('Hi'))],
    },
    {
      name: 'Near miss: calls whose results are not reported at all',
      fires: false,
      events: [{ ...call('a', 'list', {}), call_id: 'c-1' }, { type: 'session.end' }],
    },
    {
      name: 'Near miss: results come in another order',
      fires: false,
      events: [
        { ...call('a', 'list', {}), call_id: 'c-1' },
        { ...call('a', 'list', {}), call_id: 'c-2' },
        { ...result('a', 'list', '[]'), call_id: 'c-2' },
        { ...result('a', 'list', '[]'), call_id: 'c-1' },
        { type: 'session.end' },
      ],
    },
  ],
});

const TITLES: Record<Gap, string> = {
  numbers: 'Events of a session did not arrive',
  fork: 'A producer’s chain of events forks',
  chain_stops: 'A producer’s chain of events stops',
  no_results: 'Calls of a session have no result',
  result_without_call: 'A result without a call',
  after_end: 'A call after the end of its session',
};

/** The program that numbers: a client and a gateway each have numbers of their own, and so has each run that says so. */
function streamName(event: ProvenanceEvent): string {
  const { client_stream } = (event.rest.extra ?? {}) as { client_stream?: unknown };
  if (typeof client_stream === 'string') return `stream ${client_stream.slice(0, 200)}`;
  return [event.client ?? '', textOf(event, 'host') ?? '', event.agent ?? ''].join('\u0000');
}

function byNumber(state: State, event: ProvenanceEvent, ref: EventRef): Match<Detail>[] {
  const { client_seq, client_prev_hash } = event.rest;
  if (typeof client_seq !== 'number') return [];
  const name = streamName(event);
  const chained = typeof client_prev_hash === 'string';
  const stream = useEntry(state.streams, (one) => one.name === name);
  if (stream === undefined) {
    keep(state.streams, { name, seq: client_seq, chained, event: ref }, STREAMS_MAX);
    return [];
  }
  const before = { ...stream };
  // A smaller number is an event that was sent again, or a program that began anew.
  Object.assign(stream, { seq: client_seq, chained, event: ref });
  if (client_seq > before.seq + 1) {
    return [gapOf('numbers', 'low', before.event, ref, { from: before.seq + 1, to: client_seq - 1 })];
  }
  if (client_seq === before.seq + 1 && before.chained && !chained)
    return [gapOf('chain_stops', 'low', before.event, ref, {})];
  return [];
}

function byChain(state: State, event: ProvenanceEvent, ref: EventRef): Match<Detail>[] {
  const claimed = event.rest.client_prev_hash;
  if (typeof claimed !== 'string') return [];
  const hash = bareDigest(claimed);
  const other = state.previous.find((one) => one.hash === hash);
  if (other === undefined) {
    keep(state.previous, { hash, event: ref }, PREVIOUS_MAX);
    return [];
  }
  // A chain begins with zeros each time its program starts.
  if (/^0+$/.test(hash) || other.event.event_id === ref.event_id) return [];
  return [gapOf('fork', 'medium', other.event, ref, {})];
}

function byCall(state: State, event: ProvenanceEvent, ref: EventRef): Match<Detail>[] {
  state.calls++;
  if (event.call_id !== undefined) keep(state.open, { call_id: event.call_id, event: ref }, OPEN_MAX);
  return state.ended === undefined ? [] : [gapOf('after_end', 'low', state.ended, ref, { tools: [ref.tool] })];
}

function byResult(state: State, event: ProvenanceEvent, ref: EventRef): Match<Detail>[] {
  state.results++;
  if (event.call_id === undefined) return [];
  const at = state.open.findIndex(({ call_id }) => call_id === event.call_id);
  if (at >= 0) {
    state.open.splice(at, 1);
    return [];
  }
  // Only where calls and results are known to go by the same ids, and none was forgotten.
  if (state.calls === 0 || state.calls > OPEN_MAX || state.open.length === 0) return [];
  return [gapOf('result_without_call', 'low', undefined, ref, { tools: [ref.tool] })];
}

function byEnd(state: State, ref: EventRef): Match<Detail>[] {
  state.ended = ref;
  const first = state.open[0];
  if (first === undefined || state.results === 0 || state.results * 2 < state.calls) return [];
  const tools = [...new Set(state.open.map(({ event }) => event.tool))];
  state.open = [];
  return [gapOf('no_results', 'low', first.event, ref, { tools })];
}

function gapOf(
  gap: Gap,
  severity: Severity,
  before: EventRef | undefined,
  event: EventRef,
  detail: Partial<Detail>,
): Match<Detail> {
  return {
    severity,
    steps: inLogOrder([
      ...(before === undefined ? [] : [{ event: before, role: 'The last event that fits' }]),
      { event, role: 'Here something is missing, or too much' },
    ]),
    source: gap,
    sink_digest: `${gap} ${event.event_id}`,
    detail: { gap, from: 0, to: 0, tools: [], ...detail },
  };
}

function numbered(client_seq: number, event: RawEvent): RawEvent {
  return { ...event, client_seq };
}

function stream(client_stream: string, event: RawEvent): RawEvent {
  return { ...event, extra: { client_stream } };
}

function chained(digit: string, event: RawEvent): RawEvent {
  return { ...event, client_prev_hash: digit.repeat(64) };
}

function pair(call_id: string): RawEvent[] {
  return [
    { ...call('a', 'list', {}), call_id },
    { ...result('a', 'list', '[]'), call_id },
  ];
}
