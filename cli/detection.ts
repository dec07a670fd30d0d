/**
 * Joins the log to the detection engine: committed events go in, in log order; what comes out is stored, and then the
 * durable cursor moves. It never stands behind an event that still waits in the engine, so after a crash all that was
 * not stored is seen again. Rows and findings depend only on what was found: nothing is lost, and nothing is doubled.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readListings } from '../api/backtest/tool_listings.ts';
import { messageOf } from '../core/errors.ts';
import type { ProvenanceEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { readCursor } from '../core/store/queries/head.ts';
import { streamObservations } from '../core/store/queries/observations.ts';
import { readLatestSessions } from '../core/store/queries/session_state.ts';
import { readEventRange } from '../core/store/queries/takeover.ts';
import type { Detected, Engine } from '../detectors/engine.ts';
import { sessionKey } from '../detectors/engine.ts';
import type { SequencedRecord } from '../ingest/record.ts';
import { observationOf } from './derived_rows.ts';
import { CURSOR, DetectedWriter, type DetectedWriterOptions } from './detected_writer.ts';
import { ReplayPoints } from './replay_points.ts';
import { type EarlierEvents, readEarlier, readSession } from './session_events.ts';

const REPLAY_PAGE = 2_000;
const SLICE_EVENTS = 64;
/** How often the time is told to the engine while no event comes. */
const TICK_MS = 250;
/** Ticks for which records may be missing here before they are read from the store: looking at them failed. */
const BEHIND_TICKS = 12;
/** How long a session that goes on and on may wait until it is looked at again because an event came late. */
const REEVALUATE_MS = 10_000;
/** Stored observations that a start reads, the last ones. */
const REMEMBERED_MAX = 500_000;

export interface DetectionOptions extends DetectedWriterOptions {
  engine: Engine;
  now: () => number;
}

/** A session in which an event came late. */
interface Late {
  /** A replay from here sees the late event again. */
  from: number;
  since_ms: number;
}

export class Detection {
  private readonly options: DetectionOptions;
  private readonly found: DetectedWriter;
  private readonly points = new ReplayPoints();
  private readonly late = new Map<string, Late>();
  /** Everything below was handed to the engine. */
  private through: number;
  /** What was found in events below may have been stored before. */
  private replayed_to = 0;
  /** From here a replay would see what was not handed over to be stored. */
  private cut: number;
  /** Work on the engine, one piece at a time. */
  private last_turn: Promise<unknown> = Promise.resolve();
  private turns = 0;
  private timer: NodeJS.Timeout | undefined;
  /** When nothing was on its way, and how far the log was. */
  private quiet: { size: number; at_ms: number } | undefined;
  private behind_ticks = 0;
  private closing = false;
  private abandoned = false;

  private constructor(options: DetectionOptions, cursor: number) {
    this.options = options;
    this.found = new DetectedWriter(options, cursor);
    this.through = cursor;
    this.cut = cursor;
  }

  /** Knows how far detection has come, and what correlators saw until then. */
  static async open(options: DetectionOptions): Promise<Detection> {
    const cursor = await readCursor(options.store, options.log, CURSOR);
    options.engine.learn(await readListings(options.store, options.log, cursor));
    await remember(options, cursor);
    return new Detection(options, cursor);
  }

  /** Sees again what was committed after the cursor and before the head, and from now on tells the engine the time. */
  async start(head_size: number): Promise<void> {
    await this.inTurn(() => this.restoreLatest());
    await this.catchUp(head_size);
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
  }

  /** Looks, from the store, at records that nobody handed over: after a restart, or adopted after a failed write. */
  catchUp(to: number): Promise<void> {
    return this.inTurn(() => this.readUpTo(to));
  }

  /** Observes a committed batch. Resolves when it was looked at; what was found is stored behind it. */
  observe(records: readonly SequencedRecord[]): Promise<void> {
    return this.inTurn(async () => {
      const first = records[0];
      const last = records.at(-1);
      if (first === undefined || last === undefined) return;
      // After a fault here, what was missed stands in the store.
      if (first.seq > this.through) await this.readUpTo(first.seq);
      const fresh = records.filter((record) => record.seq >= this.through);
      await this.look(fresh.flatMap((record) => (record.event === undefined ? [] : [record.event])));
      this.through = Math.max(this.through, last.seq + 1);
      await this.settleStep();
    });
  }

  /** The engine is in one hand at a time: between two events of a batch nobody else may tell it anything. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turns++;
    const turn = this.last_turn.then(work).finally(() => this.turns--);
    this.last_turn = turn.catch(() => undefined);
    return turn;
  }

  private async readUpTo(to: number): Promise<void> {
    const { store, log } = this.options;
    this.replayed_to = Math.max(this.replayed_to, to);
    while (this.through < to && !this.abandoned) {
      const page_end = Math.min(to, this.through + REPLAY_PAGE);
      await this.look(await readEventRange(store, log, this.through, page_end));
      this.through = page_end;
      await this.settleStep();
    }
  }

  private async look(events: readonly ProvenanceEvent[]): Promise<void> {
    await this.restoreMissing(events);
    for (let from = 0; from < events.length; from += SLICE_EVENTS) {
      const slice = events.slice(from, from + SLICE_EVENTS);
      // A session that was in memory when the batch began may have had to make room for others of it.
      if (from > 0) await this.restoreMissing(slice);
      for (const event of slice) this.see(event);
      await nextTurn();
    }
  }

  private see(event: ProvenanceEvent): void {
    const { engine } = this.options;
    // What is due at this time goes first: else it would depend on the timer whether this event comes late.
    this.take(engine.advance(event.received_at_ms));
    this.points.seen(sessionKey(event), event.seq, event.time_ms);
    this.through = event.seq + 1;
    this.take(engine.observe(event));
  }

  private take(detected: Detected): void {
    const { findings, edges, observations, late_sessions } = detected;
    for (const key of late_sessions) this.noteLate(key);
    if (findings.length + edges.length + observations.length === 0) return;
    const repeated = (this.points.oldest ?? this.through) < this.replayed_to;
    this.found.add(detected, this.through - 1, repeated, ({ to }) => placeOf(this.points.keyOf(to.seq)));
  }

  private noteLate(key: string): void {
    if (!this.late.has(key)) this.late.set(key, { from: this.cut, since_ms: this.options.now() });
  }

  /** Rules that join sessions may have begun a match before this start: the sessions that moved last are looked at. */
  private async restoreLatest(): Promise<void> {
    const { engine, store, log, now, onNotice } = this.options;
    const window_ms = engine.rules_window_ms;
    if (window_ms === 0 || this.through === 0) return;
    const scope = { log, now_ms: now(), window_ms, rows_max: LIMITS.engine_sessions_max };
    const latest = await readLatestSessions(store, scope);
    let left: number = LIMITS.rule_restore_events_max;
    const chosen = latest.filter(({ events }) => {
      left -= events;
      return left >= 0;
    });
    if (chosen.length < latest.length) {
      onNotice('rules_partly_restored', { sessions: chosen.length, left_out: latest.length - chosen.length });
    }
    await this.restoreAll(chosen, this.through);
  }

  /** Rebuilds, from the store, the state of sessions that go on here and are not in memory. */
  private async restoreMissing(events: readonly ProvenanceEvent[]): Promise<void> {
    const { engine } = this.options;
    const missing = new Map<string, EarlierEvents>();
    const seen = new Set<string>();
    for (const event of events) {
      const key = sessionKey(event);
      if (seen.has(key)) continue;
      seen.add(key);
      const { tenant, session_id, session_seq } = event;
      if (session_seq > 0 && !engine.knows(key)) missing.set(key, { tenant, session_id, events: session_seq });
    }
    await this.restoreAll([...missing.values()], events[0]?.seq ?? 0);
  }

  private async restoreAll(sessions: readonly EarlierEvents[], before: number): Promise<void> {
    const { engine, store, log } = this.options;
    for await (const [key, earlier] of readEarlier(store, log, sessions, before)) {
      engine.restore(key, earlier);
      await nextTurn();
    }
  }

  /** After each piece of work: sessions that are due are looked at again, and the cursor follows. */
  private async settleStep(): Promise<void> {
    const { engine } = this.options;
    this.points.released(engine.held_from ?? this.through);
    await this.reevaluateDue();
    const place = this.points.before(engine.held_from ?? this.through);
    this.cut = Math.max(this.cut, Math.min(place, ...[...this.late.values()].map(({ from }) => from)));
    this.found.reached(this.cut);
    await this.found.room();
  }

  /**
   * A session is looked at again when none of its events waits, since those would be seen twice. One that never rests is
   * made to.
   */
  private async reevaluateDue(): Promise<void> {
    if (this.late.size === 0) return;
    const { engine, now } = this.options;
    if ([...this.late.values()].some(({ since_ms }) => now() - since_ms > REEVALUATE_MS)) {
      this.take(engine.flush());
      this.points.released(this.through);
    }
    for (const key of this.late.keys()) if (!this.points.holds(key)) await this.reevaluate(key);
  }

  private async reevaluate(key: string): Promise<void> {
    const { engine, store, log } = this.options;
    const place = placeOf(key);
    const events = await readSession(store, log, place, this.through);
    const detected = engine.reevaluate(key, events);
    this.found.add(detected, this.through - 1, true, () => place);
    this.late.delete(key);
  }

  /**
   * Tells the engine the time, so that the last events of a log do not wait for others. Only a time at which nothing was
   * on its way is told: an event that was taken before it could not have been observed after.
   */
  private tick(): void {
    if (this.turns > 0) return;
    const { engine, writer, now, onNotice } = this.options;
    const { head, waiting } = writer();
    const at_ms = now();
    const before = this.quiet;
    this.quiet = waiting.records === 0 && head.size === this.through ? { size: head.size, at_ms } : undefined;
    const quiet = before !== undefined && before.size === this.quiet?.size;
    this.behind_ticks = head.size > this.through ? this.behind_ticks + 1 : 0;
    const behind = this.behind_ticks > BEHIND_TICKS;
    this.inTurn(async () => {
      if (behind) await this.readUpTo(head.size);
      if (quiet) this.take(engine.advance(before.at_ms));
      await this.settleStep();
    }).catch((error: unknown) => onNotice('detection_step_failed', { error: messageOf(error) }));
  }

  /** Lets nothing wait any longer, and resolves when everything found so far is stored, cursor included. */
  async flush(): Promise<void> {
    const step = this.inTurn(async () => {
      this.take(this.options.engine.flush());
      await this.settleStep();
    });
    await step.catch((error: unknown) => {
      if (!this.closing) throw error;
      this.options.onNotice('detection_step_failed', { error: messageOf(error) });
    });
    await this.found.drained();
  }

  /** From now on a store that fails is not tried again: what is not stored is found by the next start. */
  stopRetrying(): void {
    this.closing = true;
    this.found.stopRetrying();
  }

  /** Ends at once, and stores nothing more that is not on its way: whoever looks next begins at the stored cursor. */
  abandon(): void {
    clearInterval(this.timer);
    this.closing = true;
    this.abandoned = true;
    this.found.abandon();
  }

  /** Stores what was found and stops telling the time. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    this.stopRetrying();
    await this.flush();
  }

  /**
   * Sees sessions again as the store holds them now: of content that is gone from there nothing is remembered here. What
   * that brings to light is told to nobody, since a value whose origin was erased only seems to come from nowhere.
   */
  async lookAgain(keys: readonly string[]): Promise<void> {
    const { engine, store, log } = this.options;
    await this.inTurn(async () => {
      this.take(engine.flush());
      this.points.released(this.through);
      for (const key of keys) {
        if (!engine.knows(key)) continue;
        engine.reevaluate(key, await readSession(store, log, placeOf(key), this.through));
        this.late.delete(key);
      }
    });
    await this.found.drained();
  }

  /** For people and metrics. */
  get status(): Record<string, unknown> {
    const { detected_through, failing, dropped_rows } = this.found.status;
    return {
      detected_through,
      observed_through: this.through,
      failing,
      dropped_rows,
      late_sessions: this.late.size,
      ...this.options.engine.counters,
    };
  }
}

/** The tenant and session that a key names. */
function placeOf(key: string): { tenant: string; session_id: string };
function placeOf(key: string | undefined): { tenant: string; session_id: string } | undefined;
function placeOf(key: string | undefined) {
  if (key === undefined) return undefined;
  const at = key.indexOf('\u0000');
  return { tenant: key.slice(0, at), session_id: key.slice(at + 1) };
}

async function remember({ store, log, engine }: DetectionOptions, cursor: number): Promise<void> {
  // A producer's clock may be ahead, and must not make the window end too early for others.
  const window_ms = engine.window_ms + LIMITS.time_ahead_ms_max;
  const scope = { log, before: cursor, window_ms, rows_max: REMEMBERED_MAX };
  for await (const rows of streamObservations(store, scope)) {
    engine.remember(rows.map(observationOf));
    await nextTurn();
  }
}
