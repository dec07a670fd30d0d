/**
 * Where a replay of detection may begin. Events wait in a buffer and leave it in the order of their times, so an event
 * can leave before one that came earlier. A replay that began between the two would see them the other way round, and
 * take the second for a late one. It therefore begins before both.
 */
interface Seen {
  seq: number;
  time_ms: number;
}

/** The events of a session that may still wait, in the order in which they came. */
interface Waiting {
  events: Seen[];
  /** No earlier than the latest of them. */
  latest_ms: number;
}

/** Records [after, to] that came in another order than that of their times: no replay may begin behind `after`. */
interface Span {
  after: number;
  to: number;
}

/** Records by which a replay may begin too early; beyond that it may begin between two that changed places. */
const LAG_RECORDS_MAX = 50_000;

export class ReplayPoints {
  private readonly waiting = new Map<string, Waiting>();
  private readonly order: { key: string; seq: number }[] = [];
  private readonly keys = new Map<number, string>();
  private at = 0;
  private spans: Span[] = [];

  /** An event came. */
  seen(key: string, seq: number, time_ms: number): void {
    const session = this.waiting.get(key);
    if (session === undefined) this.waiting.set(key, { events: [{ seq, time_ms }], latest_ms: time_ms });
    else {
      const overtaken = time_ms < session.latest_ms && session.events.find((each) => each.time_ms > time_ms);
      if (overtaken) this.spans.push({ after: overtaken.seq, to: seq });
      session.events.push({ seq, time_ms });
      session.latest_ms = Math.max(session.latest_ms, time_ms);
    }
    this.order.push({ key, seq });
    this.keys.set(seq, key);
  }

  /** The session of an event that may still wait, or that was not told as released. */
  keyOf(seq: number): string | undefined {
    return this.keys.get(seq);
  }

  /** Everything below was looked at. */
  released(below: number): void {
    for (let next = this.order[this.at]; next !== undefined && next.seq < below; next = this.order[++this.at]) {
      const session = this.waiting.get(next.key);
      session?.events.shift();
      this.keys.delete(next.seq);
      if (session?.events.length === 0) this.waiting.delete(next.key);
    }
    if (this.at > 1_024 && this.at * 2 > this.order.length) {
      this.order.splice(0, this.at);
      this.at = 0;
    }
  }

  /** The first event that may still wait. */
  get oldest(): number | undefined {
    return this.order[this.at]?.seq;
  }

  /** Whether events of a session may still wait. */
  holds(key: string): boolean {
    return this.waiting.has(key);
  }

  /** The latest place at or before `below`, where everything below was looked at, from which a replay sees the same. */
  before(below: number): number {
    let place = below;
    // From the last on: where one ends is no later than where those after it end, so none has to be asked again.
    for (let i = this.spans.length - 1; i >= 0; i--) {
      const { after, to } = this.spans[i] as Span;
      if (after < place && place <= to) place = after;
    }
    if (below - place > LAG_RECORDS_MAX) place = below;
    this.spans = this.spans.filter(({ to }) => to >= place);
    return place;
  }
}
