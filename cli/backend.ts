/**
 * What a command talks to: a running service by URL, the service that holds a folder open, or the folder itself with
 * the service's application inside this process. The routes are the same in all three.
 */
import { join } from 'node:path';
import { type Config, loadConfig } from '../core/config.ts';
import { AppError, codeOf, messageOf } from '../core/errors.ts';
import { readIfThere, readSecret } from '../core/secret_file.ts';
import { readVkey } from '../ingest/keyring.ts';
import type { Service } from './service.ts';

export interface BackendFlags {
  data?: string;
  url?: string;
  key?: string;
  config?: string;
}

export interface Backend {
  /** Calls a route. Throws the service's problem as an AppError. */
  call(method: string, path: string, body?: unknown): Promise<Response>;
  /** The same for a JSON answer. */
  json<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** The folder, unless the service was named by URL. */
  data: string | undefined;
  /** The service in this process, where there is one. */
  local: Service | undefined;
  close(): Promise<void>;
}

interface ServiceFile {
  url: string;
  pid: number;
}

/** Where the flags and the environment point. */
export type Target =
  | { kind: 'url'; url: string }
  | { kind: 'service'; url: string; config: Config }
  | { kind: 'folder'; config: Config };

const HOLDER_ANSWERS_MS = 5_000;

/** Finds out what the flags name. `--data` comes before TRACEWARDEN_URL. */
export async function targetOf(flags: BackendFlags): Promise<Target> {
  const url = flags.url ?? (flags.data === undefined ? process.env.TRACEWARDEN_URL : undefined);
  if (url !== undefined && url !== '') return { kind: 'url', url: checkedUrl(url) };
  const config = loadConfig({ data: flags.data }, process.env, flags.config);
  const holder = await runningService(config.data);
  return holder === undefined ? { kind: 'folder', config } : { kind: 'service', url: holder.url, config };
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const web = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (web && url?.username === '' && url.password === '') return text;
  throw new AppError(
    'url_invalid',
    'the URL of the service must begin with http:// or https:// and hold no user; the key has a flag of its own',
  );
}

/** Opens what the flags name. A folder without a log is refused with `no_log`, unless one may be made there. */
export async function openBackend(flags: BackendFlags, may_create = true): Promise<Backend> {
  const target = await targetOf(flags);
  const given = flags.key ?? process.env.TRACEWARDEN_KEY;
  if (target.kind === 'url') return remote(target.url, given, undefined);
  const { data } = target.config;
  if (target.kind === 'service') return remote(target.url, given ?? readSecret(join(data, 'admin.key')), data);
  if (!may_create && readVkey(data) === undefined) throw new AppError('no_log', `there is no log in ${data}`);
  // Only here, since a command that talks to a service elsewhere needs none of the parts and starts faster without.
  const { openService } = await import('./service.ts');
  const service = await openService({ config: target.config, onNotice: noticeOnError, deliver: false });
  const headers = { authorization: `Bearer ${service.admin_key}` };
  return backendOf(
    async (method, path, body) =>
      checked(await service.api.app.request(`http://localhost${path}`, requestOf(method, body, headers))),
    data,
    service,
  );
}

function backendOf(call: Backend['call'], data: string | undefined, local?: Service): Backend {
  return {
    call,
    async json<T>(method: string, path: string, body?: unknown) {
      const response = await call(method, path, body);
      try {
        return (await response.json()) as T;
      } catch (cause) {
        throw new AppError('backend_unreachable', 'what answers is not this program', { cause });
      }
    },
    data,
    local,
    close: async () => local?.close(),
  };
}

function noticeOnError(notice: string, fields: Record<string, unknown>): void {
  if (/fail|refused|not_stored/.test(notice)) process.stderr.write(`${notice}: ${JSON.stringify(fields)}\n`);
}

/** What the service that held a folder last wrote of itself, if its process may be alive. */
export function lastService(data: string): ServiceFile | undefined {
  const text = readIfThere(join(data, 'service.json'));
  if (text === undefined) return undefined;
  const file = JSON.parse(text) as ServiceFile;
  // In a container a new process often has the number of the one that was killed.
  if (file.pid === process.pid) return undefined;
  try {
    process.kill(file.pid, 0);
    return file;
  } catch (error) {
    return codeOf(error) === 'EPERM' ? file : undefined;
  }
}

/** The service that holds a folder: its process is alive, and something listens where it said. */
async function runningService(data: string): Promise<ServiceFile | undefined> {
  const file = lastService(data);
  if (file === undefined) return undefined;
  try {
    await (await fetch(`${file.url}/healthz`, { signal: AbortSignal.timeout(HOLDER_ANSWERS_MS) })).body?.cancel();
    return file;
  } catch (error) {
    // Who is only slow holds the folder. Else another process has the number by now, or the engine's lock will say so.
    return (error as Error).name === 'TimeoutError' ? file : undefined;
  }
}

function remote(url: string, key: string | undefined, data: string | undefined): Backend {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${checkedKey(key)}` };
  const base = url.replace(/\/+$/, '');
  return backendOf(async (method, path, body) => {
    let response: Response;
    try {
      response = await fetch(`${base}${path}`, requestOf(method, body, headers));
    } catch (cause) {
      const why = messageOf((cause as Error).cause ?? cause);
      throw new AppError('backend_unreachable', `${base} does not answer: ${why}`, { cause });
    }
    return checked(response);
  }, data);
}

/** A header with other characters is refused with a message that holds them. */
function checkedKey(key: string): string {
  const text = key.trim();
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new AppError('key_malformed', 'the key for the service holds characters that no key has');
}

function requestOf(method: string, body: unknown, headers: Record<string, string>): RequestInit {
  if (body === undefined) return { method, headers };
  if (Buffer.isBuffer(body)) {
    return { method, headers: { ...headers, 'content-type': 'application/x-ndjson' }, body: new Uint8Array(body) };
  }
  return { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

async function checked(response: Response): Promise<Response> {
  if (response.headers.get('content-type')?.startsWith('application/problem+json')) throw await problemOf(response);
  // 422 is the answer to a body of which every record was rejected.
  if (response.ok || response.status === 422) return response;
  throw new AppError('backend_unreachable', `what answers is not this program: it says ${response.status}`);
}

async function problemOf(response: Response): Promise<AppError> {
  const { code, detail, query } = (await response.json()) as { code: string; detail: string; query?: unknown };
  const retry = response.headers.get('retry-after');
  const cause = { ...(retry !== null && { retry_after_s: Number(retry) }), ...(query !== undefined && { query }) };
  return new AppError(code, detail, { cause: Object.keys(cause).length === 0 ? undefined : cause });
}

/** The query string of the parameters that are given. */
export function queryOf(params: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}
