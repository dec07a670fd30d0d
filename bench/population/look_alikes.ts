/** Harmless events that look like attacks, labelled: who works elsewhere, later, more, or on something new for a reason. */
import { type Chance, chanceAt } from './chance.ts';
import { type DayMood, documentOf, localMs, type PlannedSession, pickTask, planCall, planSession } from './days.ts';
import { type Person, type Project, projectsOn, stranger, works } from './people.ts';
import { ROLES, weekday } from './world.ts';

/** Those that are drawn for a person; others come from the calendar: `deadline`, `catch_up`, `role_change`, `rollout`, `report`. */
export const DRAWN = ['travel', 'late_work', 'new_customer', 'cover', 'trial'] as const;

export interface LookAlike {
  id: string;
  kind: string;
  person: Person;
  from: number;
  to: number;
}

const LASTS: Record<(typeof DRAWN)[number], number> = {
  travel: 4,
  late_work: 3,
  new_customer: 7,
  cover: 4,
  trial: 1,
};

/** A few people of whom something harmless is known, in the second half of the time. */
export function drawLookAlikes(seed: number, people: readonly Person[], each: number): LookAlike[] {
  const chance = chanceAt(seed, 'harmless');
  return DRAWN.flatMap((kind) =>
    Array.from({ length: each }, (_, at) => {
      let from = chance.between(31, 59 - LASTS[kind]);
      const person = chance.pick(people);
      while (weekday(from) > 1 || !works(person, from)) from = from > 31 ? from - 1 : 59 - LASTS[kind];
      return { id: `${seed}-${kind}-${at}`, kind, person, from, to: from + LASTS[kind] };
    }),
  );
}

/** Those that the calendar brings for somebody, who is in no attack. */
export function calendarLookAlikes(seed: number, people: readonly Person[], each: number): LookAlike[] {
  const found: LookAlike[] = people.flatMap((person) => {
    const own: LookAlike[] = [];
    const add = (kind: string, from: number, days: number) =>
      own.push({ id: `${seed}-${kind}-${person.index}`, kind, person, from, to: from + days });
    const back = person.vacation.to;
    if (back >= 31 && back < 58) add('catch_up', back, 2);
    if (person.moves !== undefined && person.moves.day < 57) add('role_change', person.moves.day, 3);
    if (person.role.name === 'finance') add('rollout', 41, 3);
    const due = person.projects.find(({ deadline }) => deadline < 57);
    if (due !== undefined) add('deadline', due.deadline, 3);
    const report = person.big_report;
    if (report !== undefined) add('report', 35 + report.weekday, 1);
    return own;
  });
  const taken = new Map<string, number>();
  return found.filter(({ kind, person, from, to }) => {
    if (!Array.from({ length: to - from }, (_, at) => from + at).some((day) => works(person, day))) return false;
    const count = (taken.get(kind) ?? 0) + 1;
    taken.set(kind, count);
    return count <= each;
  });
}

/** What projects, vacations and journeys make of a person's day. */
export function moodOf(person: Person, day: number, drawn: readonly LookAlike[]): DayMood {
  const due = person.projects.some(({ deadline }) => day >= deadline && day < deadline + 3);
  const back = day >= person.vacation.to && day < person.vacation.to + 2;
  const away = drawn.some(({ kind, from, to }) => kind === 'travel' && day >= from && day < to);
  return { busy: due ? 1.9 : back ? 1.8 : 1, bulk: due ? 1.7 : 1, hours_shift: away ? 7 : 0 };
}

/** What else a drawn look-alike makes of a day. */
export function harmlessDay(
  seed: number,
  look: LookAlike,
  day: number,
  sessions: PlannedSession[],
  people: readonly Person[],
): PlannedSession[] {
  const { person, kind } = look;
  const chance = chanceAt(seed, look.id, day);
  const first = sessions[0];
  if (first === undefined) return sessions;
  if (kind === 'late_work') {
    const late = localMs(person, day, person.starts + person.hours + 3 + chance.next());
    return [...sessions, planSession(chance, person, day, pickTask(chance, person, day), late, 1)];
  }
  if (kind === 'new_customer') return withCustomer(chance, look, person, day, sessions);
  if (kind === 'cover') return covered(chance, look, person, day, sessions, people);
  if (kind === 'trial') {
    const other = chance.pick(ROLES.filter((role) => role !== person.role));
    const start_ms = first.start_ms + 1_200_000;
    return [...sessions, planSession(chance, person, day, chance.pick(other.tasks), start_ms, 1)];
  }
  return sessions;
}

function withCustomer(chance: Chance, look: LookAlike, person: Person, day: number, sessions: PlannedSession[]) {
  const destination = stranger(chanceAt(look.id, 'customer'));
  const session = chance.pick(sessions);
  const call = planCall(chance, person, 'mail.send_mail', chance.pick(projectsOn(person, day)));
  session.calls.push({ ...call, destination });
  return sessions;
}

/** A colleague of the same role is away; his projects go on. */
function covered(
  chance: Chance,
  look: LookAlike,
  person: Person,
  day: number,
  sessions: PlannedSession[],
  people: readonly Person[],
): PlannedSession[] {
  const peers = people.filter((each) => each.role === person.role && each !== person);
  const colleague = chanceAt(look.id, 'colleague').pick(peers);
  const project = chance.pick(projectsOn(colleague, day)) as Project;
  const task = pickTask(chance, colleague, day);
  const session = planSession(chance, person, day, task, (sessions[0] as PlannedSession).start_ms + 5_400_000, 1);
  for (const call of session.calls) {
    if (call.tool.about === 'project') call.resource = documentOf(chance, project);
  }
  return [...sessions, session];
}
