/**
 * Containment: commands to suspend or release a session, a user's agent, or a token, and the states that answers lead
 * to. Every step is a record of the log; a command is what its records made of it. Pure.
 */
import { hash } from 'node:crypto';

export const TARGET_KINDS = ['session', 'agent', 'token'] as const;

/** What is suspended. An agent is that of one user, or of all where `user_id` is empty. */
export interface EnforcementTarget {
  kind: (typeof TARGET_KINDS)[number];
  id: string;
  user_id: string;
}

/** What a gateway may answer. */
export const RESULTS = ['accepted', 'applied', 'failed', 'not_found'] as const;
export type EnforcementResult = (typeof RESULTS)[number];

export const COMMAND_STATES = ['requested', 'acknowledged', 'applied', 'failed', 'not_found', 'timed_out'] as const;
export type CommandState = (typeof COMMAND_STATES)[number];

export interface EnforcementCommand {
  command_id: string;
  tenant: string;
  action: 'suspend' | 'release';
  target: EnforcementTarget;
  /** '' where no alert led to it. */
  alert_id: string;
  reason: string;
  /** The entry of the policy that asked, where no person did. */
  policy?: string;
  requested_at_ms: number;
  expires_at_ms: number;
}

/** A command as it stands now. */
export interface StandingCommand extends EnforcementCommand {
  state: CommandState;
  state_at_ms: number;
}

/** Types of the records, of kind `action`. */
export const REQUESTED = 'enforcement.requested';
/** Evidence of a session is kept from here on, whatever retention says. */
export const EVIDENCE_HELD = 'evidence.held';
/** A policy would have suspended, but for its limit or because it is tried out. */
export const HELD_BACK = 'enforcement.held_back';
const STEP_TYPE: Record<Exclude<CommandState, 'requested'>, string> = {
  acknowledged: 'enforcement.acknowledged',
  applied: 'enforcement.applied',
  failed: 'enforcement.failed',
  not_found: 'enforcement.not_found',
  timed_out: 'enforcement.timed_out',
};
/** Types of all records that change a command. */
export const COMMAND_TYPES: readonly string[] = [REQUESTED, ...Object.values(STEP_TYPE)];

export const stepType = (state: Exclude<CommandState, 'requested'>): string => STEP_TYPE[state];
export const stateOfResult = (result: EnforcementResult): Exclude<CommandState, 'requested' | 'timed_out'> =>
  result === 'accepted' ? 'acknowledged' : result;

const NEXT: Record<CommandState, readonly CommandState[]> = {
  requested: ['acknowledged', 'applied', 'failed', 'not_found', 'timed_out'],
  acknowledged: ['applied', 'failed', 'not_found', 'timed_out'],
  // A gateway that was slow may still say what it did.
  timed_out: ['applied', 'failed', 'not_found'],
  failed: ['applied'],
  not_found: ['applied'],
  applied: [],
};

/** Whether a command may go from one state to another. */
export function mayFollow(from: CommandState, to: CommandState): boolean {
  return NEXT[from].includes(to);
}

/** What a record of a step says beside the command's id. */
export interface StepDetail {
  command_id: string;
  command: EnforcementCommand;
  state: CommandState;
  /** Of an answer: the subscription whose key signed it, its `webhook-id`, and the gateway's own words. */
  subscription_id?: string;
  callback_id?: string;
  said?: string;
  actor_name?: string;
}

/** The same target has the same key. */
export function targetKey(tenant: string, { kind, id, user_id }: EnforcementTarget): string {
  return [tenant, kind, id, user_id].map((part) => `${part.length}:${part}`).join('\n');
}

/** The id of a command that is asked for under an id of one's own: whoever asks twice asks once. */
export function commandId(tenant: string, by: string, request_id: string): string {
  const text = ['command', tenant, by, request_id].map((part) => `${part.length}:${part}`).join('\n');
  return `cmd-${hash('sha256', text, 'base64url').slice(0, 32)}`;
}
