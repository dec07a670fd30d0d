/**
 * A population of users with labelled attacks and harmless look-alikes, seeded: the same seed gives the same events. It
 * shares no code and no number with what detects. Attack, person and day each have chance of their own, so a population
 * without its poisoning differs from its twin in nothing else.
 */
import type { ProvenanceEvent } from '../../core/event.ts';
import { type Attack, attackDay, LASTS, normalOf, SCENARIOS, STRENGTHS } from './attacks.ts';
import { chanceAt } from './chance.ts';
import { normalDay, type PlannedCall, type PlannedSession } from './days.ts';
import { calendarLookAlikes, drawLookAlikes, harmlessDay, type LookAlike, moodOf } from './look_alikes.ts';
import { makePeople, type Person, works } from './people.ts';
import { DAY_MS, DAYS, FIRST_DAY_MS, weekday } from './world.ts';

export interface PopulationOptions {
  seed: number;
  people?: number;
  /** Attacks of each scenario and strength. */
  attacks_each?: number;
  /** Whether poisoning is prepared; without it, the attack comes out of nothing. */
  primed?: boolean;
}

export interface Population {
  people: readonly Person[];
  attacks: readonly Attack[];
  look_alikes: readonly LookAlike[];
  /** All events in the order of their times. */
  events(): Generator<PopulationEvent>;
}

export interface PopulationEvent {
  event: ProvenanceEvent;
  day: number;
  /** Id of the attack that it belongs to. */
  attack?: string;
}

/** The population of a seed. */
export function makePopulation(options: PopulationOptions): Population {
  const { seed, people: count = 400, attacks_each = 2, primed = true } = options;
  const people = makePeople(seed, count);
  const attacks = drawAttacks(seed, people, attacks_each);
  const victims = new Set(attacks.flatMap((attack) => attack.people));
  const others = people.filter((person) => !victims.has(person));
  const drawn = drawLookAlikes(seed, steady(others), attacks_each * 3);
  const look_alikes = [...drawn, ...calendarLookAlikes(seed, others, attacks_each * 3)];
  const planned = { seed, people, attacks, drawn, primed };
  return { people, attacks, look_alikes, events: () => eventsOf(planned) };
}

interface Planned {
  seed: number;
  people: readonly Person[];
  attacks: readonly Attack[];
  drawn: readonly LookAlike[];
  primed: boolean;
}

/** Who was there all the time, in one role. */
function steady(people: readonly Person[]): Person[] {
  return people.filter(({ joined, moves, vacation }) => joined === 0 && moves === undefined && vacation.to <= 31);
}

function drawAttacks(seed: number, people: readonly Person[], each: number): Attack[] {
  const chance = chanceAt(seed, 'attacks');
  const victims = [...people]
    .filter(({ joined, vacation }) => joined <= 10 && (vacation.to < 28 || vacation.from >= DAYS))
    .filter((person) => person.moves === undefined)
    .map((person) => ({ person, at: chance.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ person }) => person);
  const attacks: Attack[] = [];
  for (const scenario of SCENARIOS) {
    for (const strength of STRENGTHS) {
      for (let at = 0; at < each; at++) {
        const own = victims.splice(0, scenario === 'collusion' ? 2 : 1);
        if (own.length === 0) return attacks;
        let from = scenario === 'poisoning' ? 52 : chance.between(31, DAYS - LASTS[scenario]);
        while (weekday(from) > 2) from--;
        const to = Math.min(DAYS, from + LASTS[scenario]);
        const id = `${seed}-${scenario}-${strength}-${at}`;
        attacks.push({
          id,
          scenario,
          strength,
          people: own,
          from,
          to,
          ...(scenario === 'poisoning' && { primed_from: from - 30 }),
        });
      }
    }
  }
  return attacks;
}

function* eventsOf(planned: Planned): Generator<PopulationEvent> {
  const normals = new Map<string, ReturnType<typeof normalOf>>();
  const of_person = new Map(planned.attacks.flatMap((attack) => attack.people.map((person) => [person, attack])));
  let count = 0;
  let waiting: PopulationEvent[] = [];
  for (let day = 0; day < DAYS; day++) {
    for (const person of planned.people) {
      const sessions = dayOf(planned, of_person.get(person), person, day, normals);
      sessions.forEach((session, at) => {
        waiting.push(...sessionEvents(session, `s-${day}-${person.index}-${at}`, day));
      });
    }
    waiting.sort((a, b) => a.event.time_ms - b.event.time_ms || (a.event.event_id < b.event.event_id ? -1 : 1));
    // Offices lie hours apart: what belongs to the next day waits for it.
    const until = FIRST_DAY_MS + (day + (day === DAYS - 1 ? 3 : 0.5)) * DAY_MS;
    const due = waiting.findIndex(({ event }) => event.time_ms >= until);
    const ready = due < 0 ? waiting : waiting.slice(0, due);
    waiting = due < 0 ? [] : waiting.slice(due);
    for (const each of ready) {
      each.event.seq = count++;
      yield each;
    }
  }
}

function dayOf(
  { seed, people, drawn, primed }: Planned,
  attack: Attack | undefined,
  person: Person,
  day: number,
  normals: Map<string, ReturnType<typeof normalOf>>,
): PlannedSession[] {
  const own = drawn.filter((look) => look.person === person);
  let sessions = normalDay(seed, person, day, moodOf(person, day, own));
  for (const look of own) {
    if (day >= look.from && day < look.to) sessions = harmlessDay(seed, look, day, sessions, people);
  }
  if (attack === undefined) return sessions;
  const begins = primed ? (attack.primed_from ?? attack.from) : attack.from;
  if (day < begins || day >= attack.to || (!works(person, day) && attack.scenario !== 'off_hours_automation'))
    return sessions;
  const key = `${attack.id}/${person.index}`;
  const normal = normals.get(key) ?? normalOf(seed, person, begins);
  normals.set(key, normal);
  return attackDay(seed, attack, person, day, sessions, normal);
}

function sessionEvents(session: PlannedSession, session_id: string, day: number): PopulationEvent[] {
  const { user_id, user_role, agent, client, calls, attack } = session;
  const common = { log: 'population', seq: 0, tenant: 'default', user_id, user_role, agent, client, session_id };
  const found: PopulationEvent[] = [];
  let at_ms = session.start_ms;
  calls.forEach((call, at) => {
    at_ms += call.gap_ms;
    const label = attack !== undefined && at >= attack.from_call ? { attack: attack.id } : {};
    const call_id = `${session_id}-${at}`;
    const done_ms = at_ms + 300 + call.in_bytes / 50;
    found.push({ event: callEvent(common, call, call_id, at_ms, 2 * at), day, ...label });
    found.push({ event: resultEvent(common, call, call_id, done_ms, 2 * at + 1), day, ...label });
    at_ms = done_ms;
  });
  return found;
}

type Common = Pick<ProvenanceEvent, 'log' | 'seq' | 'tenant' | 'session_id'> & Partial<ProvenanceEvent>;

function callEvent(common: Common, call: PlannedCall, call_id: string, at_ms: number, step: number): ProvenanceEvent {
  const { tool, resource, destination, out_bytes } = call;
  const place = destination === undefined ? {} : { [WHERE[tool.way ?? 'mail']]: placeOf(tool.way, destination) };
  return {
    ...common,
    ...at(at_ms),
    event_id: `${call_id}-call`,
    type: 'tool.call',
    session_seq: step,
    call_id,
    server: tool.server,
    tool: tool.tool,
    params: { ...(resource !== undefined && { id: resource }), ...place },
    ...(resource !== undefined && { data_sources: [{ uri: resource }] }),
    rest: { capture: { params: { level: 'truncated', size_bytes: out_bytes } } },
  };
}

const WHERE = { mail: 'to', share: 'recipient', upload: 'url' } as const;

function placeOf(way: PlannedCall['tool']['way'], destination: string): string {
  return way === 'upload' ? `https://${destination}/in` : `desk@${destination}`;
}

function resultEvent(common: Common, call: PlannedCall, call_id: string, at_ms: number, step: number): ProvenanceEvent {
  const { tool, in_bytes, rows, is_error } = call;
  return {
    ...common,
    ...at(at_ms),
    event_id: `${call_id}-result`,
    type: 'tool.result',
    session_seq: step,
    call_id,
    server: tool.server,
    tool: tool.tool,
    is_error,
    rest: {
      row_count: rows,
      duration_ms: 300 + in_bytes / 50,
      capture: { content: { level: 'size_only', size_bytes: in_bytes } },
    },
  };
}

function at(at_ms: number): { time: string; time_ms: number; received_at_ms: number } {
  const time_ms = Math.round(at_ms);
  return { time: new Date(time_ms).toISOString(), time_ms, received_at_ms: time_ms };
}
