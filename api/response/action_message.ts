/** Which records of actions subscribers are told of, and as what. */
import type { Severity } from '../../core/alert.ts';
import { COMMAND_TYPES, REQUESTED, type StepDetail, stepType } from '../../core/enforcement.ts';
import type { ActionRecordRow } from '../../core/store/queries/own_records.ts';
import { shownCommand } from './enforcement.ts';
import { alertData, type Message } from './message.ts';

/** Answers that need a person. */
const ESCALATED = ['enforcement.failed', 'enforcement.not_found', 'enforcement.timed_out'];

/** Told to those whom it concerns, and to nobody else. */
export const APPLIED = stepType('applied');

/** Types of records that subscribers are told of, beside alerts. */
export const TOLD_ACTIONS: readonly string[] = COMMAND_TYPES.filter(
  (type) => type === REQUESTED || type === APPLIED || ESCALATED.includes(type),
);

/** The message of an action to a SOC or to gateways, or undefined where they are not told of it. */
export function messageOfAction(action: ActionRecordRow, log: string): Message | undefined {
  const { type, seq, event_id: source_id, received_at_ms: time_ms } = action;
  if (!TOLD_ACTIONS.includes(type) || type === APPLIED) return undefined;
  const { command, state } = action.detail as unknown as StepDetail;
  const alert = standIn(action, log);
  const shown = { tenant: action.tenant, ...shownCommand({ ...command, state, state_at_ms: time_ms }) };
  const place = { type, log, seq, source_id, time_ms, alert };
  if (type === REQUESTED) return { ...place, kind: 'enforcement', data: { ...shown, reason: command.reason } };
  return { ...place, kind: 'alerts', data: { ...alertData(alert), command: shown } };
}

/** An escalation is told in the form of an alert, so that every format can say it. */
function standIn({ tenant, seq, session_id, user_id, received_at_ms, detail }: ActionRecordRow, log: string) {
  const { command, command_id, state, said = '' } = detail as unknown as StepDetail;
  const { kind, id } = command.target;
  const severity: Severity = 'critical';
  return {
    tenant,
    alert_id: command_id,
    log,
    seq,
    rule_id: 'enforcement',
    rule_version: 1,
    severity,
    risk: 95,
    title: `The command to ${command.action} the ${kind} is not applied: ${state.replaceAll('_', ' ')}`,
    reason: `No gateway said that it could ${command.action} the ${kind} “${id}”.${said === '' ? '' : ` It said “${said}”.`}`,
    session_id,
    user_id,
    agent: kind === 'agent' ? id : '',
    time_ms: received_at_ms,
    raised_at_ms: received_at_ms,
    tags: [],
    evidence: '[]',
  };
}
