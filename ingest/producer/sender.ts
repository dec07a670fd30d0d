/** Delivers spools to the service in order, batch by batch, until each is acknowledged. Light: no fetch, no schema. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { LIMITS } from '../../core/limits.ts';
import type { Spool, SpoolBatch } from './spool.ts';

export interface ServiceAddress {
  url: string;
  key: string | undefined;
}

export interface ServiceAnswer {
  status: number;
  text: string;
}

const ANSWER_BYTES_MAX = 16_777_216;
const TIMEOUT_MS = 30_000;

/** Asks the service over one kept connection. Rejects when it does not answer. */
export function createServiceClient({ url, key }: ServiceAddress) {
  const base = url.replace(/\/+$/, '');
  const secure = base.startsWith('https:');
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, maxSockets: 2 })
    : new HttpAgent({ keepAlive: true, maxSockets: 2 });
  const send = secure ? httpsRequest : httpRequest;
  return {
    ask(method: string, path: string, body?: Buffer): Promise<ServiceAnswer> {
      return new Promise((resolve, reject) => {
        const headers: Record<string, string | number> = {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/x-ndjson', 'content-length': body.length }),
        };
        const asked = send(`${base}${path}`, { method, headers, agent, timeout: TIMEOUT_MS }, (answer) => {
          const parts: Buffer[] = [];
          let bytes = 0;
          answer.on('data', (part: Buffer) => {
            bytes += part.length;
            if (bytes > ANSWER_BYTES_MAX) asked.destroy(new Error('the answer is too large'));
            else parts.push(part);
          });
          answer.on('error', reject);
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
        });
        asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
        asked.on('error', reject);
        asked.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}
export type ServiceClient = ReturnType<typeof createServiceClient>;

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

  constructor(options: SenderOptions) {
    this.options = options;
  }

  /** Something is there to be sent. */
  poke(): void {
    if (this.running === undefined && this.timer === undefined)
      this.wake(this.failures === 0 ? LIMITS.producer_linger_ms : WAIT_MIN_MS);
  }

  /** Tries to deliver all within a time; what is left stays in the spool. */
  async finish(within_ms: number): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const end = new Promise<void>((resolve) => setTimeout(resolve, within_ms).unref());
    const all = (async () => {
      await this.running;
      clearTimeout(this.timer);
      if (this.failures === 0) await this.drain();
    })();
    await Promise.race([all, end]);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => undefined, 0);
    this.options.client.close();
  }

  private wake(after_ms: number): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.running = this.drain().finally(() => {
        this.running = undefined;
        if (this.failures > 0) this.wake(Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** Math.min(this.failures, 7)));
      });
    }, after_ms);
    this.timer.unref();
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
      return this.later(`the service does not answer (${(error as { code?: string }).code ?? 'broken off'})`);
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
