/**
 * Commands to gateways: asked for, answered, timed out. What stands is read from the log at the start and kept in
 * memory; each step is durable before anybody is told of it.
 */

import {
  COMMAND_TYPES,
  type CommandState,
  type EnforcementCommand,
  type EnforcementTarget,
  EVIDENCE_HELD,
  mayFollow,
  REQUESTED,
  type StandingCommand,
  type StepDetail,
  stepType,
  targetKey,
} from '../../core/enforcement.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { readActions } from '../../core/store/queries/own_records.ts';
import type { Store } from '../../core/store/store.ts';
import type { LogWriter } from '../../ingest/log_writer.ts';
import type { InternalRecord } from '../../ingest/record.ts';

export interface EnforcementOptions {
  store: Store;
  log: string;
  writer: LogWriter;
  now: () => number;
  /** How long a gateway may take before people are told. */
  timeout_ms: number;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
}

/** Who acts: the id of a key, and its name. */
export interface ActingKey {
  key_id: string;
  name: string;
}

/** What gateways have to enforce in one tenant, ready to be answered. */
export interface EnforcementState {
  text: string;
  etag: string;
}

const PAGE = 1_000;
const SWEEP_MS = 200;
const FINAL: ReadonlySet<CommandState> = new Set(['applied', 'failed', 'not_found']);

type Draft = Omit<InternalRecord, 'received_at_ms' | 'salt'>;

export class Enforcement {
  private readonly options: EnforcementOptions;
  private readonly commands = new Map<string, StandingCommand>();
  /** The newest command of each target. */
  private readonly newest = new Map<string, StandingCommand>();
  private readonly by_alert = new Map<string, string>();
  private readonly states = new Map<string, EnforcementState & { until_ms: number }>();
  private readonly listeners = new Set<(command: StandingCommand) => void>();
  private turn: Promise<unknown> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private version = 0;

  private constructor(options: EnforcementOptions) {
    this.options = options;
  }

  /** Reads what the log says of commands. */
  static async open(options: EnforcementOptions): Promise<Enforcement> {
    const enforcement = new Enforcement(options);
    const types = COMMAND_TYPES;
    for (let from = 0; ; ) {
      const of = { log: options.log, types, from, to: Number.MAX_SAFE_INTEGER, limit: PAGE };
      const page = await readActions(options.store, of);
      for (const { detail, received_at_ms } of page) {
        enforcement.keep(detail as unknown as StepDetail, received_at_ms);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      from = last.seq + 1;
    }
    return enforcement;
  }

  /** Begins to look for commands that nobody answers. */
  start(): void {
    this.timer = setInterval(() => void this.sweep(), SWEEP_MS);
    this.timer.unref();
  }

  get(tenant: string, command_id: string): StandingCommand | undefined {
    const command = this.commands.get(command_id);
    return command?.tenant === tenant ? command : undefined;
  }

  /** The newest command that an alert led to. */
  ofAlert(tenant: string, alert_id: string): StandingCommand | undefined {
    return this.commands.get(this.by_alert.get(`${tenant}\0${alert_id}`) ?? '');
  }

  /** The newest command for a target. */
  newestOf(tenant: string, target: EnforcementTarget): StandingCommand | undefined {
    return this.newest.get(targetKey(tenant, target));
  }

  all(): IterableIterator<StandingCommand> {
    return this.commands.values();
  }

  /**
   * Asks gateways for something. Evidence is held first, in the same write. Resolves when both are durable. Who asks
   * again under the same id gets the command as it stands. Throws `request_id_conflict`, `too_many_commands`.
   */
  request(command: EnforcementCommand, session_id: string, user_id: string, who: ActingKey): Promise<StandingCommand> {
    return this.inTurn(async () => {
      const known = this.commands.get(command.command_id);
      if (known !== undefined) return this.sameCommand(known, command);
      if (this.commands.size >= LIMITS.enforcement_commands_max) this.forget();
      if (this.commands.size >= LIMITS.enforcement_commands_max) {
        throw new AppError('too_many_commands', `there are ${LIMITS.enforcement_commands_max} open commands already`);
      }
      const detail: StepDetail = { command_id: command.command_id, command, state: 'requested', actor_name: who.name };
      const place = { tenant: command.tenant, session_id, user_id, actor: who.key_id, time_ms: this.options.now() };
      const drafts: Draft[] = [];
      if (command.action === 'suspend' && session_id !== '') {
        const hold = { session_id, command_id: command.command_id, alert_id: command.alert_id, reason: 'suspension' };
        drafts.push({
          kind: 'action',
          type: EVIDENCE_HELD,
          event_id: `hold-${command.command_id}`,
          ...place,
          detail: hold,
        });
      }
      drafts.push({ kind: 'action', type: REQUESTED, event_id: command.command_id, ...place, detail: { ...detail } });
      await this.write(drafts);
      return this.keep(detail, command.requested_at_ms) as StandingCommand;
    });
  }

  private sameCommand(known: StandingCommand, asked: EnforcementCommand): StandingCommand {
    const same =
      known.action === asked.action && targetKey(known.tenant, known.target) === targetKey(asked.tenant, asked.target);
    if (same) return known;
    throw new AppError('request_id_conflict', 'this request_id was used for another target or action before');
  }

  /** A step of a command. Durable when it resolves. Throws `not_found`, `status_conflict`, `command_expired`. */
  step(
    of: { tenant: string; command_id: string; state: Exclude<CommandState, 'requested'> },
    who: ActingKey,
    more: Pick<StepDetail, 'subscription_id' | 'callback_id' | 'said'> = {},
  ): Promise<StandingCommand> {
    return this.inTurn(async () => {
      const { tenant, command_id, state } = of;
      const before = this.get(tenant, command_id);
      if (before === undefined) throw new AppError('not_found', 'there is no such command in this tenant');
      const now_ms = this.options.now();
      if (before.expires_at_ms <= now_ms)
        throw new AppError('command_expired', 'the command expired before this answer');
      if (!mayFollow(before.state, state)) {
        const cause = { present_status: before.state };
        throw new AppError('status_conflict', `the command is ${before.state} already`, { cause });
      }
      const { state: _, state_at_ms: __, ...command } = before;
      const detail: StepDetail = { command_id, command, state, ...more, actor_name: who.name };
      // A command can pass a state once, so the id is one of its own.
      const event_id = `${command_id}-${state}`;
      const place = { tenant, session_id: sessionOf(command), user_id: command.target.user_id, actor: who.key_id };
      await this.write([
        { kind: 'action', type: stepType(state), event_id, ...place, time_ms: now_ms, detail: { ...detail } },
      ]);
      return this.keep(detail, now_ms) as StandingCommand;
    });
  }

  /** What gateways of a tenant have to enforce now. Made when something changed, and kept until then. */
  state(tenant: string): EnforcementState {
    const known = this.states.get(tenant);
    const now_ms = this.options.now();
    if (known !== undefined && known.until_ms > now_ms) return known;
    const own = [...this.newest.values()].filter((each) => each.tenant === tenant && each.expires_at_ms > now_ms);
    const suspended = own.filter(({ action }) => action === 'suspend').map(shownCommand);
    const released = own.filter(({ action, state }) => action === 'release' && !FINAL.has(state)).map(shownCommand);
    const text = JSON.stringify({ suspended, released });
    const until_ms = Math.min(...own.map((each) => each.expires_at_ms), Number.MAX_SAFE_INTEGER);
    const made = { text, etag: `"${this.version.toString(36)}-${suspended.length}-${now_ms.toString(36)}"`, until_ms };
    if (this.states.size > LIMITS.subscriptions_max) this.states.clear();
    this.states.set(tenant, made);
    return made;
  }

  /** The suspension in force that a call falls under: of its session, of its token, or of its agent. */
  suspensionOf(
    tenant: string,
    call: { session_id: string; agent: string; user_id: string; token_ref?: string },
  ): StandingCommand | undefined {
    const { session_id, agent, user_id, token_ref = '' } = call;
    const targets: EnforcementTarget[] = [
      { kind: 'session', id: session_id, user_id: '' },
      { kind: 'token', id: token_ref, user_id: '' },
      { kind: 'agent', id: agent, user_id },
      { kind: 'agent', id: agent, user_id: '' },
    ];
    const now_ms = this.options.now();
    for (const target of targets) {
      const newest = target.id === '' ? undefined : this.newest.get(targetKey(tenant, target));
      if (newest?.action === 'suspend' && newest.expires_at_ms > now_ms) return newest;
    }
    return undefined;
  }

  /** Tells of each step; gives back how to end it. */
  listen(listener: (command: StandingCommand) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get listening(): number {
    return this.listeners.size;
  }

  private keep({ command_id, command, state }: StepDetail, at_ms: number): StandingCommand {
    const standing = { ...command, state, state_at_ms: at_ms };
    this.commands.set(command_id, standing);
    const key = targetKey(command.tenant, command.target);
    const newest = this.newest.get(key);
    if (newest === undefined || newest.requested_at_ms <= command.requested_at_ms) this.newest.set(key, standing);
    if (command.alert_id !== '') this.by_alert.set(`${command.tenant}\0${command.alert_id}`, command_id);
    this.states.delete(command.tenant);
    this.version++;
    for (const listener of this.listeners) listener(standing);
    return standing;
  }

  /** What has ended need not be in memory. */
  private forget(): void {
    const now_ms = this.options.now();
    for (const [command_id, command] of this.commands) {
      const key = targetKey(command.tenant, command.target);
      const over = command.expires_at_ms <= now_ms || (FINAL.has(command.state) && this.newest.get(key) !== command);
      if (!over) continue;
      this.commands.delete(command_id);
      if (this.newest.get(key)?.command_id === command_id) this.newest.delete(key);
      this.by_alert.delete(`${command.tenant}\0${command.alert_id}`);
    }
  }

  private async sweep(): Promise<void> {
    const before_ms = this.options.now() - this.options.timeout_ms;
    for (const { tenant, command_id, state, requested_at_ms, expires_at_ms } of this.commands.values()) {
      const open = state === 'requested' || state === 'acknowledged';
      if (!open || requested_at_ms > before_ms || expires_at_ms <= this.options.now()) continue;
      try {
        await this.step({ tenant, command_id, state: 'timed_out' }, { key_id: 'tracewarden', name: 'tracewarden' });
      } catch (error) {
        this.options.onNotice('enforcement_not_recorded', { command_id, error: messageOf(error) });
        return;
      }
    }
  }

  private async write(drafts: readonly Draft[]): Promise<void> {
    const { writer } = this.options;
    await writer.submitInternal(drafts.map((draft) => writer.stamp(draft)));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.turn;
  }
}

const sessionOf = ({ target }: EnforcementCommand) => (target.kind === 'session' ? target.id : '');

/** A command as gateways and people see it. */
export function shownCommand(command: StandingCommand) {
  const { command_id, action, target, alert_id, state, policy } = command;
  const timeOf = (ms: number) => new Date(ms).toISOString();
  return {
    command_id,
    action,
    target,
    state,
    confirmed: state === 'applied',
    alert_id: alert_id === '' ? null : alert_id,
    policy: policy ?? null,
    requested_at: timeOf(command.requested_at_ms),
    state_since: timeOf(command.state_at_ms),
    expires_at: timeOf(command.expires_at_ms),
  };
}
