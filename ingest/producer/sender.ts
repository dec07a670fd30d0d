/** Delivers spools to the service in order, batch by batch, until each is acknowledged. Light: no fetch, no schema. */
import { codeOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { ServiceClient } from './service_client.ts';
import type { Spool, SpoolBatch } from './spool.ts';

export interface SenderOptions {
  client: ServiceClient;
  spools: Spool[];
  /** Told in words for people, without content. */
  onNotice: (text: string) => void;
}

const WAIT_MIN_MS = 250;
const WAIT_MAX_MS = 30_000;
const LATER = Symbol('later');

export class Sender {
  /** Events that the service said it holds. */
  delivered = 0;
  /** Events that the service will never take; told, and not sent again. */
  refused = 0;
  private readonly options: SenderOptions;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failures = 0;
  private records_max: number = LIMITS.producer_batch_records_max;
  private told = '';
  private ended = false;

  constructor(options: SenderOptions) {
    this.options = options;
  }

  /** Something is there to be sent. */
  poke(): void {
    if (this.running === undefined && this.timer === undefined && !this.ended)
      this.wake(this.failures === 0 ? LIMITS.producer_linger_ms : WAIT_MIN_MS);
  }

  /** Tries to deliver all within a time; what is left stays in the spool. */
  async finish(within_ms: number): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    let over: NodeJS.Timeout | undefined;
    const end = new Promise<void>((resolve) => {
      over = setTimeout(resolve, within_ms);
    });
    const all = async () => {
      await this.running;
      if (this.failures === 0) await this.tryAll();
    };
    await Promise.race([all(), end]);
    clearTimeout(over);
    this.options.client.close();
  }

  private wake(after_ms: number): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.running = this.tryAll().finally(() => {
        this.running = undefined;
        if (this.ended) return;
        if (this.failures > 0) this.wake(Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** Math.min(this.failures, 7)));
        else if (this.options.spools.some((spool) => spool.read(1, 1) !== undefined))
          this.wake(LIMITS.producer_linger_ms);
      });
    }, after_ms);
    this.timer.unref();
  }

  private async tryAll(): Promise<void> {
    try {
      await this.drain();
    } catch (error) {
      this.failures++;
      this.later(`the spool cannot be read (${codeOf(error)})`);
    }
  }

  private async drain(): Promise<void> {
    for (const spool of this.options.spools) {
      for (;;) {
        const batch = spool.read(this.records_max, LIMITS.producer_batch_bytes_max);
        if (batch === undefined) break;
        if ((await this.deliver(batch)) === LATER) {
          this.failures++;
          return;
        }
        this.failures = 0;
        spool.acknowledge(batch);
      }
    }
  }

  private async deliver(batch: SpoolBatch): Promise<typeof LATER | 'done'> {
    const body = Buffer.concat(batch.lines.flatMap((line) => [line, Buffer.from('\n')]));
    try {
      const { status, text } = await this.options.client.ask('POST', '/v1/events', body);
      if (status === 200 || status === 207 || status === 422) return this.count(text, batch.lines.length);
      if (status === 413 || status === 400) {
        if (batch.lines.length > 1) {
          this.records_max = Math.max(1, batch.lines.length >> 1);
          return LATER;
        }
        this.refused++;
        this.options.onNotice(`the service refused an event for good (${status})`);
        return 'done';
      }
      return this.later(`the service answered ${status}`);
    } catch (error) {
      return this.later(`the service does not answer (${codeOf(error)})`);
    }
  }

  private count(text: string, records: number): typeof LATER | 'done' {
    let answer: { accepted?: number; duplicate?: number; records?: { outcome: string; reason?: string }[] };
    try {
      answer = JSON.parse(text) as typeof answer;
    } catch {
      return this.later('what answers is not this program');
    }
    if (answer.records?.length !== records) return this.later('what answers is not this program');
    this.told = '';
    this.records_max = LIMITS.producer_batch_records_max;
    const bad = answer.records.find(({ outcome }) => outcome === 'rejected' || outcome === 'conflict');
    const taken = (answer.accepted ?? 0) + (answer.duplicate ?? 0);
    this.delivered += taken;
    this.refused += records - taken;
    if (bad !== undefined)
      this.options.onNotice(`the service refused ${records - taken} events (${bad.reason ?? bad.outcome})`);
    return 'done';
  }

  private later(why: string): typeof LATER {
    if (this.told !== why) this.options.onNotice(`${why}; events wait in the spool`);
    this.told = why;
    return LATER;
  }
}
