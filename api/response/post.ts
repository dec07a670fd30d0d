/**
 * Sends one request to a subscriber. Redirects are not followed, an answer is read up to a bound and within a time,
 * and what a name leads to is checked on the connection itself.
 */
import { Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as TlsAgent } from 'node:https';
import { AppError, codeOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { checkLiteral, isAllowed, lookupPublic } from './target.ts';

/** What became of one attempt. */
export interface Attempt {
  /** HTTP status; 0 when there was no answer. */
  status: number;
  /** '' when it was taken, else why not. Never holds what the receiver said. */
  error: string;
  /** What `Retry-After` asked for. */
  retry_after_s?: number;
}

export interface Poster {
  post(url: string, headers: Record<string, string>, body: string): Promise<Attempt>;
  close(): void;
}

export interface PosterOptions {
  /** Hosts that may be private, and may be spoken to without TLS. */
  allowed: readonly string[];
  now: () => number;
  timeout_ms?: number;
  lookup?: typeof lookupPublic;
}

/** Opens what sends; its connections are kept for the next message. */
export function openPoster({ allowed, now, timeout_ms, lookup = lookupPublic }: PosterOptions): Poster {
  const kept = { keepAlive: true, maxSockets: LIMITS.webhook_in_flight_max, maxFreeSockets: 4, timeout: 60_000 };
  const agents = { http: new Agent(kept), https: new TlsAgent(kept) };
  // Whatever was connected without a check must not be used for a host that needs one: so the two have agents of their own.
  const checked = { http: new Agent(kept), https: new TlsAgent(kept) };
  return {
    post(text, headers, body) {
      const url = new URL(text);
      const free = isAllowed(url, allowed);
      try {
        if (!free) checkLiteral(url);
      } catch {
        return Promise.resolve({ status: 0, error: 'address_not_public' });
      }
      const secure = url.protocol === 'https:';
      if (!secure && !free) return Promise.resolve({ status: 0, error: 'tls_required' });
      const { http, https } = free ? agents : checked;
      const options = {
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        agent: secure ? https : http,
        ...(free ? {} : { lookup }),
      };
      const send = secure ? requestHttps : requestHttp;
      return attempt((done) => send(url, options, done), body, timeout_ms ?? LIMITS.webhook_ms_max, now);
    },
    close() {
      for (const agent of [...Object.values(agents), ...Object.values(checked)]) agent.destroy();
    },
  };
}

type Send = (done: (answer: IncomingMessage) => void) => ReturnType<typeof requestHttp>;

/** How long the rest of an answer is read once its status is there; the status decides. */
const DRAIN_MS = 1_000;

function attempt(send: Send, body: string, timeout_ms: number, now: () => number): Promise<Attempt> {
  return new Promise((resolve) => {
    let said: Attempt | undefined;
    let over = false;
    const finish = (result: Attempt, whole = false) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      if (!whole) request.destroy();
      resolve(result);
    };
    const request = send((answer) => {
      const status = answer.statusCode ?? 0;
      const taken = {
        status,
        error: status >= 200 && status < 300 ? '' : `http_${status}`,
        ...retryAfter(answer, now),
      };
      said = taken;
      const drained = setTimeout(() => finish(taken), Math.min(DRAIN_MS, timeout_ms));
      let bytes = 0;
      // Read, so that the connection can be used again, but not for ever.
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > LIMITS.webhook_answer_bytes_max) finish(taken);
      });
      answer.on('end', () => finish(taken, true));
      answer.on('close', () => {
        clearTimeout(drained);
        finish(taken);
      });
      answer.on('error', () => finish(taken));
    });
    const timer = setTimeout(() => finish(said ?? { status: 0, error: 'timeout' }), timeout_ms);
    request.on('error', (error) => finish(said ?? { status: 0, error: reasonOf(error) }));
    request.end(body);
  });
}

/** A code of ours or of the system, never a text, which could hold anything. */
function reasonOf(error: unknown): string {
  if (error instanceof AppError) return error.code;
  return (codeOf(error) ?? 'not_sent').toLowerCase().slice(0, 60);
}

function retryAfter(answer: IncomingMessage, now: () => number): { retry_after_s?: number } {
  const text = answer.headers['retry-after'];
  if (text === undefined) return {};
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - now()) / 1000);
  return Number.isFinite(seconds) && seconds > 0 ? { retry_after_s: seconds } : {};
}
