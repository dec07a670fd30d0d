/**
 * The labelled attacks of the population. Each changes a person's day in a strength of the person's own normal: the mean
 * of the working days before it, without the attack.
 */
import { type Chance, chanceAt } from './chance.ts';
import {
  documentOf,
  localMs,
  normalDay,
  type PlannedCall,
  type PlannedSession,
  planCall,
  planSession,
} from './days.ts';
import { nowhere, type Person, type Project, projectsOn, roleOn, tasksOf, works } from './people.ts';
import { ROLES, type Role, stepsOf, TOOLS, toolsOfRole } from './world.ts';

export const SCENARIOS = [
  'account_takeover',
  'slow_exfiltration',
  'role_creep',
  'volume_burst',
  'off_hours_automation',
  'hijacked_agent',
  'collusion',
  'poisoning',
] as const;
export type Scenario = (typeof SCENARIOS)[number];
export const STRENGTHS = [1.2, 2, 5] as const;

/** Calendar days that each lasts. */
export const LASTS: Record<Scenario, number> = {
  account_takeover: 4,
  slow_exfiltration: 21,
  role_creep: 14,
  volume_burst: 3,
  off_hours_automation: 6,
  hijacked_agent: 3,
  collusion: 10,
  poisoning: 7,
};

export interface Attack {
  id: string;
  scenario: Scenario;
  strength: number;
  people: Person[];
  from: number;
  to: number;
  /** Of poisoning: the first of thirty days that prepare it. */
  primed_from?: number;
}

/** A person's normal: means over working days. */
export interface Normal {
  calls: number;
  sent_bytes: number;
  sends: number;
  /** The largest day. */
  sent_bytes_max: number;
}

/** The mean of up to twenty working days before a day. */
export function normalOf(seed: number, person: Person, before: number): Normal {
  const sums = { calls: 0, sent_bytes: 0, sends: 0, sent_bytes_max: 0 };
  let days = 0;
  for (let day = before - 1; day >= 0 && days < 20; day--) {
    if (!works(person, day)) continue;
    const calls = normalDay(seed, person, day).flatMap((session) => session.calls);
    const sent = calls.filter(({ destination }) => destination !== undefined);
    const bytes = sent.reduce((sum, { out_bytes }) => sum + out_bytes, 0);
    days++;
    sums.calls += calls.length;
    sums.sends += sent.length;
    sums.sent_bytes += bytes;
    sums.sent_bytes_max = Math.max(sums.sent_bytes_max, bytes);
  }
  const share = Math.max(1, days);
  return { ...sums, calls: sums.calls / share, sends: sums.sends / share, sent_bytes: sums.sent_bytes / share };
}

/** What an attack makes of a day. */
export function attackDay(
  seed: number,
  attack: Attack,
  person: Person,
  day: number,
  sessions: PlannedSession[],
  normal: Normal,
): PlannedSession[] {
  const chance = chanceAt(seed, attack.id, person.index, day);
  const given: Given = { chance, attack, person, day, sessions, normal };
  // The drop is one place for the whole of an attack.
  const drop = nowhere(chanceAt(seed, attack.id, 'drop'));
  return WAYS[attack.scenario](given, drop);
}

interface Given {
  chance: Chance;
  attack: Attack;
  person: Person;
  day: number;
  sessions: PlannedSession[];
  normal: Normal;
}

const WAYS: Record<Scenario, (given: Given, drop: string) => PlannedSession[]> = {
  account_takeover: takeover,
  slow_exfiltration: (given, drop) => exfiltrate(given, drop, 0.9),
  role_creep: creep,
  volume_burst: burst,
  off_hours_automation: automation,
  hijacked_agent: hijack,
  collusion: collude,
  poisoning: poison,
};

/** How many calls a strength adds to a day; never none. */
function extraCalls({ attack, normal }: Given): number {
  return Math.max(2, Math.round((attack.strength - 1) * normal.calls));
}

/** Somebody else looks around with the account, at hours and with a program of their own, and takes something along. */
function takeover(given: Given, drop: string): PlannedSession[] {
  const { chance, attack, person, day, sessions } = given;
  const shift = chanceAt(attack.id, 'hours').pick([-7, -5, 5, 7]);
  const liked = tasksOf(person, day).sort((a, b) => a.weight - b.weight);
  const foreign = otherProjects(given);
  let left = extraCalls(given);
  const own: PlannedSession[] = [];
  while (left > 0) {
    const task = (liked[chance.popular(liked.length)] as { task: string }).task;
    const start_ms = localMs(person, day, person.starts + shift + chance.next() * 4);
    const session = planSession(chance, person, day, task, start_ms, 1);
    session.client = chanceAt(attack.id, 'client').pick(['web', 'cli']);
    for (const call of session.calls) {
      if (call.tool.about === 'project') call.resource = documentOf(chance, chance.pick(foreign));
      if (call.destination !== undefined && chance.hit(0.7)) call.destination = drop;
    }
    session.calls = session.calls.slice(0, left);
    left -= session.calls.length;
    own.push(marked(session, attack));
  }
  return [...sessions, ...own];
}

/** A little more goes out each day, in small pieces to one place, and no day is larger than days that were. */
function exfiltrate(given: Given, drop: string, below: number): PlannedSession[] {
  const { chance, attack, person, day, sessions, normal } = given;
  if (sessions.length === 0) return sessions;
  const today = sentOf(sessions);
  const wanted = (attack.strength - 1) * normal.sent_bytes;
  const bytes = Math.min(wanted, Math.max(0, below * normal.sent_bytes_max - today));
  if (bytes < 500) return sessions;
  return withSends(chance, attack, person, day, sessions, bytes, normal, () => drop);
}

/** More and more of what another role does. */
function creep(given: Given): PlannedSession[] {
  const { chance, attack, person, day, sessions } = given;
  if (sessions.length === 0) return sessions;
  const other = chanceAt(attack.id, 'role').pick(ROLES.filter((role) => role !== roleOn(person, day)));
  const progress = Math.min(1, (day - attack.from + 2) / 7);
  let left = Math.max(1, Math.round(extraCalls(given) * 0.5 * progress));
  const more: PlannedSession[] = [];
  while (left > 0) {
    const near = chance.pick(sessions);
    const task = other.tasks[Math.floor(chance.next() * Math.min(other.tasks.length, 1 + 3 * progress))] as string;
    const session = planSession(chance, person, day, task, near.start_ms + 900_000, 1);
    session.calls = session.calls.slice(0, left);
    left -= session.calls.length;
    more.push(marked(session, attack));
  }
  return [...sessions, ...more];
}

/** One day on which a multiple of the usual goes out, by the usual tools to usual places. */
function burst(given: Given): PlannedSession[] {
  const { chance, attack, person, day, sessions, normal } = given;
  if (sessions.length === 0) return sessions;
  const bytes = Math.max(
    attack.strength * normal.sent_bytes - sentOf(sessions),
    (attack.strength - 1) * normal.sent_bytes,
  );
  return withSends(chance, attack, person, day, sessions, bytes, normal, () => chance.pick(person.contacts));
}

/** A script works by night in the person's name, at even distances. */
function automation(given: Given): PlannedSession[] {
  const { chance, attack, person, day, sessions } = given;
  let left = extraCalls(given);
  const task = chanceAt(attack.id, 'task').pick(tasksOf(person, day)).task;
  const first = chanceAt(attack.id, 'hour').between(0, 4);
  const more: PlannedSession[] = [];
  for (let at = 0; left > 0; at++) {
    const start_ms = localMs(person, day, first + at * 0.4);
    const session = planSession(chance, person, day, task, start_ms, 1);
    session.calls = session.calls.slice(0, left).map((call) => ({ ...call, gap_ms: 2_000 }));
    left -= session.calls.length;
    more.push(marked(session, attack));
  }
  return [...sessions, ...more];
}

/** What the person's agent does every day, in an order that no task has. */
function hijack(given: Given): PlannedSession[] {
  const { chance, attack, person, day, sessions } = given;
  if (sessions.length === 0) return sessions;
  const tasks = tasksOf(person, day).map(({ task }) => stepsOf(task).map(({ name }) => name));
  const usual = new Set(tasks.flatMap((names) => names.slice(1).map((name, at) => `${names[at]}>${name}`)));
  const known = [...new Set(tasks.flat())];
  const session = chance.pick(sessions);
  const project = chance.pick(projectsOn(person, day));
  const from_call = session.calls.length;
  let last = `${session.calls.at(-1)?.tool.server}.${session.calls.at(-1)?.tool.tool}`;
  for (let left = extraCalls(given); left > 0; left--) {
    const fresh = known.filter((name) => name !== last && !usual.has(`${last}>${name}`));
    last = chance.pick(fresh.length > 0 ? fresh : known);
    session.calls.push(planCall(chance, person, last, project));
  }
  session.attack = { id: attack.id, from_call };
  return sessions;
}

/** One collects and leaves it on a page that nobody else reads; the other takes it from there and sends it out. */
function collude(given: Given, drop: string): PlannedSession[] {
  const { chance, attack, person, day, sessions, normal } = given;
  if (sessions.length === 0) return sessions;
  const handed = `wiki://pages/handed-over-${chanceAt(attack.id, 'page').between(600, 9_999)}`;
  const collects = person === attack.people[0];
  const session = chance.pick(sessions);
  const from_call = session.calls.length;
  const project = chance.pick(otherProjects(given));
  const count = Math.max(1, Math.round(extraCalls(given) / 3));
  const page = (name: string) => ({ ...planCall(chance, person, name, project), resource: handed });
  if (collects) {
    for (let at = 0; at < count; at++) session.calls.push(planCall(chance, person, 'drive.read_document', project));
    session.calls.push(page('wiki.edit_page'));
    session.attack = { id: attack.id, from_call };
    return sessions;
  }
  session.calls.push(page('wiki.read_page'));
  session.attack = { id: attack.id, from_call };
  const bytes = (attack.strength - 1) * Math.max(normal.sent_bytes, 8_000);
  const parts = Math.min(4, Math.max(1, Math.round(count / 3)));
  for (let at = 0; at < parts; at++) session.calls.push(sending(chance, person, day, bytes / parts, drop));
  return sessions;
}

/** Thirty days that make a place and a growing amount usual; then what was prepared. */
function poison(given: Given, drop: string): PlannedSession[] {
  const { chance, attack, person, day, sessions, normal } = given;
  if (sessions.length === 0) return sessions;
  const primed_from = attack.primed_from ?? attack.from;
  const strength = attack.strength;
  if (day < attack.from) {
    const growth = (day - primed_from + 1) / Math.max(1, attack.from - primed_from);
    const bytes = 0.5 * growth * (strength - 1) * normal.sent_bytes;
    if (bytes < 200) return sessions;
    return withSends(chance, attack, person, day, sessions, bytes, normal, () => drop);
  }
  const bytes = Math.max(strength * normal.sent_bytes - sentOf(sessions), (strength - 1) * normal.sent_bytes);
  const more = withSends(chance, attack, person, day, sessions, bytes, normal, () => drop);
  const project = chance.pick(otherProjects(given));
  const host = more.find((session) => session.attack?.id === attack.id) ?? (more[0] as PlannedSession);
  for (let left = Math.ceil(extraCalls(given) / 4); left > 0; left--) {
    host.calls.push(planCall(chance, person, 'drive.read_document', project));
  }
  return more;
}

/** Lets some bytes go out in the sizes that this person usually sends, in sessions of the day. */
function withSends(
  chance: Chance,
  attack: Attack,
  person: Person,
  day: number,
  sessions: PlannedSession[],
  bytes: number,
  normal: Normal,
  destination: () => string,
): PlannedSession[] {
  const usual = Math.max(2_000, normal.sent_bytes / Math.max(1, normal.sends));
  const parts = Math.min(12, Math.max(1, Math.round(bytes / usual)));
  const session = chance.pick(sessions);
  const from_call = session.calls.length;
  for (let at = 0; at < parts; at++) session.calls.push(sending(chance, person, day, bytes / parts, destination()));
  session.attack = { id: attack.id, from_call };
  return sessions;
}

/** A call that sends so much, by a tool that the person's role sends with. */
function sending(chance: Chance, person: Person, day: number, bytes: number, destination: string): PlannedCall {
  const role = roleOn(person, day);
  const names = sendersOf(role);
  const call = planCall(chance, person, chance.pick(names), chance.pick(projectsOn(person, day)));
  return { ...call, destination, out_bytes: Math.round(bytes * chance.spread(1, 0.2)) };
}

function sendersOf(role: Role): string[] {
  const names = toolsOfRole(role).filter((name) => TOOLS.get(name)?.kind === 'send');
  return names.length > 0 ? names : ['mail.send_mail'];
}

function sentOf(sessions: readonly PlannedSession[]): number {
  const calls = sessions.flatMap((session) => session.calls);
  return calls.reduce((sum, call) => sum + (call.destination === undefined ? 0 : call.out_bytes), 0);
}

/** Projects of the other person or of nobody near. */
function otherProjects({ attack }: Given): Project[] {
  const chance = chanceAt(attack.id, 'projects');
  const role = chance.pick(ROLES);
  return Array.from({ length: 2 }, () => ({
    id: `${role.name}-p${chance.between(0, 2)}`,
    from: 0,
    to: 60,
    documents: 60,
    deadline: 60,
  }));
}

function marked(session: PlannedSession, attack: Attack): PlannedSession {
  return { ...session, attack: { id: attack.id, from_call: 0 } };
}
