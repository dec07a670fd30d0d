/** The people of the population, each with habits of their own, and the projects that they share. */
import { type Chance, chanceAt } from './chance.ts';
import { DAYS, OFFICES, ROLES, ROLLOUTS, type Role, weekday } from './world.ts';

/** Something a team works on for a while. */
export interface Project {
  id: string;
  from: number;
  to: number;
  documents: number;
  /** A first day of three on which everybody in it has more to do; past the end where there is none. */
  deadline: number;
}

export interface Person {
  index: number;
  user_id: string;
  role: Role;
  /** Another role from a day on. */
  moves?: { day: number; role: Role };
  office: (typeof OFFICES)[number];
  joined: number;
  vacation: { from: number; to: number };
  /** Local hour at which work begins, and how long it goes on. */
  starts: number;
  hours: number;
  sessions_a_day: number;
  /** How big what this person sends is, beside others. */
  size_factor: number;
  /** A seed of tastes: weights of tasks. */
  taste: number;
  client: string;
  /** Share of steps out of order, and of tasks that are another role's. */
  disorder: number;
  strangers_a_day: number;
  /** Places that this person writes to, the usual first. */
  contacts: string[];
  /** A job that runs by night on some weekdays. */
  night_job?: { hour: number; weekdays: number[]; task: string };
  /** A weekday on which something big is sent to the first contact. */
  big_report?: { weekday: number; factor: number };
  projects: Project[];
}

const CLIENTS = ['desktop', 'web', 'editor', 'cli'];
const PARTNERS = 60;
const CUSTOMERS = 900;
const HOSTS = 12;

/** Everybody, by seed. */
export function makePeople(seed: number, count: number): Person[] {
  const pools = new Map(ROLES.map((role) => [role.name, makeProjects(seed, role, count)]));
  const roles = ROLES.flatMap((role) => Array<Role>(Math.round(role.share * count)).fill(role)).slice(0, count);
  while (roles.length < count) roles.push(ROLES[0] as Role);
  return roles.map((role, index) => makePerson(seed, index, role, pools));
}

function makeProjects(seed: number, role: Role, people: number): Project[] {
  const chance = chanceAt(seed, 'projects', role.name);
  const count = Math.max(3, Math.round((people * role.share * role.projects) / 7));
  return Array.from({ length: count }, (_, at) => {
    const late = at > 2 && chance.hit(0.4);
    const from = late ? chance.between(8, 50) : 0;
    const to = late || at < 2 || chance.hit(0.5) ? DAYS : chance.between(15, 55);
    const deadline = chance.hit(0.35) ? chance.between(Math.max(from + 5, 33), 56) : DAYS;
    return { id: `${role.name}-p${at}`, from, to, documents: chance.between(15, 120), deadline };
  });
}

function makePerson(seed: number, index: number, role: Role, pools: Map<string, Project[]>): Person {
  const chance = chanceAt(seed, 'person', index);
  const person: Person = {
    index,
    user_id: `user-${index}@example.com`,
    role,
    office: chance.pick(OFFICES),
    joined: chance.hit(0.1) ? chance.between(3, 45) : 0,
    vacation: vacationOf(chance),
    starts: chance.normal(8.8, 0.9),
    hours: chance.normal(8.6, 0.7),
    sessions_a_day: Math.min(9, chance.spread(2.8, 0.45)),
    size_factor: chance.spread(1, 0.5),
    taste: chance.between(0, 1e9),
    client: chance.pick(CLIENTS),
    disorder: 0.02 + 0.05 * chance.next(),
    strangers_a_day: chance.spread(0.25, 0.6),
    contacts: contactsOf(chance),
    projects: [],
  };
  const other = chance.pick(ROLES.filter((each) => each !== role));
  if (chance.hit(0.05)) person.moves = { day: chance.between(31, 52), role: other };
  if (role.on_call !== undefined && chance.hit(0.2)) person.night_job = nightJob(chance, role);
  if (chance.hit(0.15)) person.big_report = { weekday: chance.between(0, 4), factor: chance.spread(6, 0.3) };
  person.projects = projectsOf(chance, person, pools);
  return person;
}

function vacationOf(chance: Chance): Person['vacation'] {
  if (!chance.hit(0.45)) return { from: DAYS, to: DAYS };
  const from = chance.between(4, 52);
  return { from, to: from + chance.between(3, 10) };
}

function contactsOf(chance: Chance): string[] {
  const contacts = Array.from({ length: chance.between(6, 30) }, () =>
    chance.hit(0.35) ? partner(chance.popular(PARTNERS)) : customer(chance.between(0, CUSTOMERS)),
  );
  return [...new Set(contacts)];
}

function nightJob(chance: Chance, role: Role): NonNullable<Person['night_job']> {
  const weekdays = chance.hit(0.5) ? [0, 1, 2, 3, 4] : [chance.between(0, 6)];
  return { hour: chance.between(0, 5), weekdays, task: chance.pick(role.tasks) };
}

function projectsOf(chance: Chance, person: Person, pools: Map<string, Project[]>): Project[] {
  const own = pools.get(person.role.name) ?? [];
  const projects = Array.from({ length: person.role.projects + 1 }, () => chance.pick(own));
  if (chance.hit(0.15)) projects.push(chance.pick(pools.get(chance.pick(ROLES).name) ?? own));
  if (person.moves !== undefined) projects.push(chance.pick(pools.get(person.moves.role.name) ?? own));
  projects.push(own[0] as Project);
  return [...new Set(projects)];
}

export const customer = (at: number) => `customer-${at}.example`;
export const partner = (at: number) => `partner-${at}.example`;
/** A public place for files that several people use. */
export const fileHost = (at: number) => `files-${at % HOSTS}.example`;
/** A place that nobody of the company knows. */
export const nowhere = (chance: Chance) =>
  `${chance.pick(['box', 'sync', 'relay', 'customer', 'partner'])}-${chance.between(1_000, 9_999)}.example`;
export const stranger = (chance: Chance) =>
  chance.hit(0.3) ? customer(CUSTOMERS + chance.between(0, 5_000)) : customer(chance.between(0, CUSTOMERS));

export function roleOn(person: Person, day: number): Role {
  return person.moves !== undefined && day >= person.moves.day ? person.moves.role : person.role;
}

/** The tasks open to a person on a day, with how much they like each. */
export function tasksOf(person: Person, day: number): { task: string; weight: number }[] {
  const role = roleOn(person, day);
  const rolled = ROLLOUTS.filter((rollout) => rollout.role === role.name && day >= rollout.day);
  const tasks = [...role.tasks, ...rolled.flatMap((rollout) => rollout.tasks)];
  return tasks.map((task, at) => ({
    task,
    weight: chanceAt(person.taste, role.name, at).spread(1, 1) * (at >= role.tasks.length ? 1.5 : 1),
  }));
}

/** The projects that run on a day; at least one. */
export function projectsOn(person: Person, day: number): Project[] {
  const running = person.projects.filter(({ from, to }) => day >= from && day < to);
  return running.length > 0 ? running : person.projects.slice(-1);
}

/** Whether somebody is there. */
export function works(person: Person, day: number): boolean {
  if (day < person.joined || (day >= person.vacation.from && day < person.vacation.to)) return false;
  return weekday(day) < 5 && !(person.office.holidays as readonly number[]).includes(day);
}
