/**
 * What a command talks to: a running service by URL, the service that holds a folder open, or the folder itself with
 * the service's application inside this process. The routes are the same in all three.
 */
import { join } from 'node:path';
import { type Config, loadConfig } from '../core/config.ts';
import { AppError, codeOf, messageOf } from '../core/errors.ts';
import { readIfThere, readSecret } from '../core/secret_file.ts';
import { openService, type Service } from './service.ts';

export interface BackendFlags {
  data?: string;
  url?: string;
  key?: string;
  config?: string;
}

export interface Backend {
  /** Calls a route. Throws the service's problem as an AppError. */
  call(method: string, path: string, body?: unknown): Promise<Response>;
  /** The service in this process, where there is one. */
  local: Service | undefined;
  close(): Promise<void>;
}

interface ServiceFile {
  url: string;
  pid: number;
}

const serviceFile = (data: string) => join(data, 'service.json');

/** The configuration of a command from its flags, the environment and the file. */
export function configOf(flags: BackendFlags): Config {
  return loadConfig({ data: flags.data }, process.env, flags.config);
}

/** Opens what the flags name. */
export async function openBackend(flags: BackendFlags): Promise<Backend> {
  const url = flags.url ?? process.env.TRACEWARDEN_URL;
  const key = flags.key ?? process.env.TRACEWARDEN_KEY;
  if (url !== undefined && flags.data === undefined) return remote(url, key);
  const config = configOf(flags);
  const holder = runningService(config.data);
  if (holder !== undefined) return remote(holder.url, key ?? readSecret(join(config.data, 'admin.key'))?.trim());
  const service = await openService({ config, onNotice: noticeOnError });
  const headers = { authorization: `Bearer ${service.admin_key}` };
  return {
    local: service,
    call: async (method, path, body) =>
      checked(await service.api.app.request(`http://localhost${path}`, requestOf(method, body, headers))),
    close: () => service.close(),
  };
}

function noticeOnError(notice: string, fields: Record<string, unknown>): void {
  if (/fail|refused|not_stored/.test(notice)) process.stderr.write(`${notice}: ${JSON.stringify(fields)}\n`);
}

/** The service that holds a folder, if its process is alive. */
export function runningService(data: string): ServiceFile | undefined {
  const text = readIfThere(serviceFile(data));
  if (text === undefined) return undefined;
  const file = JSON.parse(text) as ServiceFile;
  try {
    process.kill(file.pid, 0);
    return file;
  } catch (error) {
    return codeOf(error) === 'EPERM' ? file : undefined;
  }
}

function remote(url: string, key: string | undefined): Backend {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const base = url.replace(/\/+$/, '');
  return {
    local: undefined,
    async call(method, path, body) {
      let response: Response;
      try {
        response = await fetch(`${base}${path}`, requestOf(method, body, headers));
      } catch (cause) {
        const why = messageOf((cause as Error).cause ?? cause);
        throw new AppError('backend_unreachable', `${base} does not answer: ${why}`, { cause });
      }
      return checked(response);
    },
    close: () => Promise.resolve(),
  };
}

function requestOf(method: string, body: unknown, headers: Record<string, string>): RequestInit {
  if (body === undefined) return { method, headers };
  if (Buffer.isBuffer(body)) {
    return { method, headers: { ...headers, 'content-type': 'application/x-ndjson' }, body: new Uint8Array(body) };
  }
  return { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

async function checked(response: Response): Promise<Response> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return response;
  const problem = (await response.json()) as { code: string; detail: string };
  const retry = response.headers.get('retry-after');
  throw new AppError(problem.code, problem.detail, {
    cause: retry === null ? undefined : { retry_after_s: Number(retry) },
  });
}

/** The query string of the parameters that are given. */
export function queryOf(params: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}
