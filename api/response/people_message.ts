/** What people are told who are not the SOC: the user whom an alert or a suspension concerns, and the session's owner. */
import type { StepDetail } from '../../core/enforcement.ts';
import type { ActionRecordRow, TenantAlert } from '../../core/store/queries/own_records.ts';
import { readSessionUsers } from '../../core/store/queries/sessions.ts';
import type { Store } from '../../core/store/store.ts';
import { type Message, plain } from './message.ts';

/** The address is the user's whom it concerns, or that of the session's owner. */
export const TO_USER = 'mailto:{user}';
export const TO_OWNER = 'mailto:{owner}';

/** Type of the message of an alert. */
export const PERSON_ALERTED = 'person.alerted';

/** `data` of such a message. No evidence, and nothing that the alert quotes but its title. */
export interface PeopleData extends Record<string, unknown> {
  /** A sentence of ours. */
  said: string;
  /** Whom it concerns; '' where that is not known. */
  user_id: string;
  /** Whose session it is. */
  owner_id: string;
  tenant: string;
  agent: string;
  session_id: string;
  title: string;
  severity: string;
  alert_id: string | null;
  time: string;
}

/** Messages of alerts to people. The owners of sessions are read from the store. */
export async function peopleMessages(store: Store, alerts: readonly TenantAlert[]): Promise<Message[]> {
  if (alerts.length === 0) return [];
  const ownerOf = await readSessionUsers(store, alerts);
  return alerts.map((alert): Message => {
    const { log, seq, alert_id: source_id, raised_at_ms: time_ms } = alert;
    const said = 'An alert was raised about what an agent did for you.';
    const data = personData(alert, said, ownerOf(alert), alert.alert_id);
    return { type: PERSON_ALERTED, kind: 'people', log, seq, source_id, time_ms, alert, data };
  });
}

/** The message of a command that was applied; undefined where nobody is named by it, as by a token. */
export async function peopleMessageOf(
  store: Store,
  action: ActionRecordRow,
  log: string,
): Promise<Message | undefined> {
  const { tenant, type, seq, event_id: source_id, received_at_ms: time_ms } = action;
  const { command } = action.detail as unknown as StepDetail;
  const { kind, id, user_id } = command.target;
  if (kind === 'token') return undefined;
  const session = { tenant, session_id: kind === 'session' ? id : '' };
  const person = kind === 'session' ? (await readSessionUsers(store, [session]))(session) : user_id;
  if (person === '') return undefined;
  const done = command.action === 'suspend' ? 'suspended' : 'released';
  const alert: TenantAlert = {
    ...session,
    alert_id: command.command_id,
    log,
    seq,
    rule_id: 'enforcement',
    rule_version: 1,
    severity: 'high',
    risk: 75,
    title: `The ${kind} was ${done}`,
    reason: '',
    user_id: person,
    agent: kind === 'agent' ? id : '',
    time_ms,
    raised_at_ms: time_ms,
    tags: [],
    evidence: '[]',
  };
  const said = kind === 'session' ? `Your session with an agent was ${done}.` : `Your agent was ${done}.`;
  const data = personData(alert, said, person, command.alert_id === '' ? null : command.alert_id);
  return { type, kind: 'people', log, seq, source_id, time_ms, alert, data };
}

/** Whether a message has somebody to go to at a subscription that names its address by the part that somebody plays. */
export function hasRecipient(url: string, { data }: Message): boolean {
  const { user_id, owner_id } = data as Partial<PeopleData>;
  if (url === TO_USER) return user_id !== '';
  // Whoever is both is told once.
  return url !== TO_OWNER || (owner_id !== '' && owner_id !== user_id);
}

/** `data` of a message to people. */
export function personData(alert: TenantAlert, said: string, owner_id: string, alert_id: string | null): PeopleData {
  const { tenant, agent, session_id, user_id, title, severity, raised_at_ms } = alert;
  const time = new Date(raised_at_ms).toISOString();
  return { said, tenant, user_id, owner_id, agent, session_id, title: plain(title), severity, alert_id, time };
}
