/** A normal day of a person: sessions with their calls, by habit, calendar, projects and chance. */
import { type Chance, chanceAt } from './chance.ts';
import { fileHost, type Person, type Project, projectsOn, roleOn, stranger, tasksOf, works } from './people.ts';
import { DAY_MS, dayOfMonth, FIRST_DAY_MS, ROLES, stepsOf, TOOLS, type Tool, weekday } from './world.ts';

export interface PlannedCall {
  tool: Tool;
  resource?: string;
  destination?: string;
  out_bytes: number;
  in_bytes: number;
  rows: number;
  /** Since the call before it. */
  gap_ms: number;
  is_error: boolean;
}

export interface PlannedSession {
  user_id: string;
  user_role: string;
  agent: string;
  client: string;
  start_ms: number;
  calls: PlannedCall[];
  /** Which attack it belongs to. Attacks that enter a person's own session name the first of their calls. */
  attack?: { id: string; from_call: number };
}

/** What moves a day away from the usual, for everybody concerned or for one person. */
export interface DayMood {
  /** More sessions. */
  busy: number;
  /** Bigger things sent. */
  bulk: number;
  hours_shift: number;
}

const CALM: DayMood = { busy: 1, bulk: 1, hours_shift: 0 };

/** A person's day without any attack. */
export function normalDay(seed: number, person: Person, day: number, mood: DayMood = CALM): PlannedSession[] {
  const chance = chanceAt(seed, 'day', person.index, day);
  const sessions: PlannedSession[] = [];
  const job = person.night_job;
  if (job?.weekdays.includes(weekday(day)) && day >= person.joined) {
    const start_ms = localMs(person, day, job.hour) + 60_000 * chance.between(0, 3);
    sessions.push(planSession(chance, person, day, job.task, start_ms, 1));
  }
  if (isOnCall(person, day) && chance.hit(0.4)) {
    const start_ms = localMs(person, day, chance.pick([6, 20, 21, 22, 23]) + chance.next());
    sessions.push(planSession(chance, person, day, pickTask(chance, person, day), start_ms, 1));
  }
  if (!works(person, day)) return sessions;
  const rate = person.sessions_a_day * mood.busy * companyMood(seed, day) * peakOf(person, day) * weekdayPull(day);
  const count = Math.max(chance.hit(0.06) ? 0 : 1, chance.times(rate));
  const bulk = mood.bulk * Math.sqrt(peakOf(person, day)) * chance.spread(1, 0.25);
  for (let at = 0; at < count; at++) {
    const start_ms = localMs(person, day, workHour(chance, person) + mood.hours_shift);
    sessions.push(planSession(chance, person, day, pickTask(chance, person, day), start_ms, bulk));
  }
  if (person.big_report?.weekday === weekday(day)) sessions.push(report(chance, person, day));
  return sessions;
}

/** A day's work for a task: its steps with their calls. */
export function planSession(
  chance: Chance,
  person: Person,
  day: number,
  task: string,
  start_ms: number,
  bulk: number,
): PlannedSession {
  const project = chance.pick(projectsOn(person, day));
  const names = stepsOf(task).flatMap(({ name, optional, repeated }) => {
    if (optional && chance.hit(0.5)) return [];
    return Array<string>(repeated ? chance.between(1, 4) : 1).fill(name);
  });
  for (let at = 1; at < names.length; at++) {
    if (chance.hit(person.disorder)) [names[at - 1], names[at]] = [names[at] as string, names[at - 1] as string];
  }
  const role = roleOn(person, day);
  return {
    user_id: person.user_id,
    user_role: role.name,
    agent: role.agent,
    client: chance.hit(0.03) ? chance.pick(['desktop', 'web', 'editor', 'cli']) : person.client,
    start_ms,
    calls: names.map((name) => planCall(chance, person, name, project, bulk)),
  };
}

/** One call of a tool, about a project. */
export function planCall(chance: Chance, person: Person, name: string, project: Project, bulk = 1): PlannedCall {
  const tool = TOOLS.get(name) as Tool;
  const sends = tool.kind === 'send';
  const resource = resourceOf(chance, person, tool, project);
  const factor = sends ? person.size_factor * bulk * (chance.hit(0.02) ? 6 : 1) : 1;
  return {
    tool,
    ...(resource !== undefined && { resource }),
    ...(sends && { destination: destinationOf(chance, person, tool) }),
    out_bytes: Math.round(chance.spread(tool.out_bytes, sends ? 0.7 : 0.4) * factor),
    in_bytes: Math.round(chance.spread(tool.in_bytes, 0.6)),
    rows: tool.rows <= 1 ? tool.rows : Math.round(chance.spread(tool.rows, 0.7)),
    gap_ms: Math.round(chance.spread(14_000, 0.9)),
    is_error: chance.hit(0.02),
  };
}

function resourceOf(chance: Chance, person: Person, tool: Tool, project: Project): string | undefined {
  switch (tool.about) {
    case 'project':
      return documentOf(chance, project);
    case 'customers':
      return `crm://customers/${(person.taste + chance.popular(chance.hit(0.7) ? 25 : 800)) % 900}`;
    case 'accounts':
      return `ledger://accounts/${chance.popular(150)}`;
    case 'people':
      return `people://records/${chance.between(0, 400)}`;
    case 'tickets':
      return `tickets://${chance.between(10_000, 99_999)}`;
    case 'pages':
      return `wiki://pages/${chance.popular(500)}`;
    default:
      return undefined;
  }
}

/** One of a project's documents, the first ones more often. */
export function documentOf(chance: Chance, project: Project): string {
  return `project://${project.id}/${chance.popular(project.documents)}`;
}

function destinationOf(chance: Chance, person: Person, tool: Tool): string {
  if (tool.way === 'upload') return fileHost(person.taste + chance.popular(3));
  if (chance.hit(0.45)) return 'example.com';
  if (chance.hit(Math.min(0.3, person.strangers_a_day / (person.sessions_a_day * 0.8)))) return stranger(chance);
  return person.contacts[chance.popular(person.contacts.length)] as string;
}

export function pickTask(chance: Chance, person: Person, day: number): string {
  if (chance.hit(0.012)) return chance.pick(chance.pick(ROLES).tasks);
  const tasks = tasksOf(person, day);
  return (tasks[chance.weighted(tasks.map(({ weight }) => weight))] as { task: string }).task;
}

/** Something big that goes out every week, to the same place. */
function report(chance: Chance, person: Person, day: number): PlannedSession {
  const name = 'drive.share_document';
  const start_ms = localMs(person, day, 15 + chance.next());
  const session = planSession(chance, person, day, `drive.read_document* ${name}`, start_ms, 1);
  const last = session.calls.at(-1) as PlannedCall;
  const tool = TOOLS.get(name) as Tool;
  last.destination = person.contacts[0] as string;
  last.out_bytes = Math.round(
    tool.out_bytes * person.size_factor * (person.big_report?.factor ?? 1) * chance.spread(1, 0.15),
  );
  return session;
}

/** An instant of a person's own day. */
export function localMs(person: Person, day: number, hour: number): number {
  return FIRST_DAY_MS + day * DAY_MS + Math.round((hour - person.office.offset_hours) * 3_600_000);
}

/** Mornings and afternoons more than noon; now and then an evening. */
function workHour(chance: Chance, person: Person): number {
  if (chance.hit(0.025)) return person.starts + person.hours + 3 * chance.next();
  const share = chance.hit(0.5) ? 0.25 : 0.7;
  const hour = person.starts + person.hours * Math.min(1, Math.max(0, chance.normal(share, 0.13)));
  return hour;
}

function weekdayPull(day: number): number {
  return [1.05, 1.1, 1.1, 1.0, 0.75][weekday(day)] ?? 1;
}

/** Some days are busier for the whole company. */
function companyMood(seed: number, day: number): number {
  return chanceAt(seed, 'company', day).spread(1, 0.12);
}

function peakOf(person: Person, day: number): number {
  const { peak } = roleOn(person, day);
  const date = dayOfMonth(day);
  return peak !== undefined && date >= peak.from && date <= peak.to ? peak.factor : 1;
}

/** Each takes a week in turn. */
function isOnCall(person: Person, day: number): boolean {
  return person.role.on_call === true && (person.index + Math.floor(day / 7)) % 9 === 0 && day >= person.joined;
}
