/** The way to the API: JSON in, JSON out, faults as one kind of error. The login is a cookie that scripts cannot read. */

/** Where a query is at fault, in UTF-16 units. */
export interface FaultPlace {
  at: number;
  chars: number;
}

export class ApiFault extends Error {
  readonly status: number;
  readonly code: string;
  readonly query: FaultPlace | undefined;

  constructor(status: number, code: string, message: string, query?: FaultPlace) {
    super(message);
    this.query = query;
    this.status = status;
    this.code = code;
  }
}

type Query = Record<string, string | number | undefined>;

/** The address of a request, in the tenant at hand. Empty and absent members are left out. */
export function apiAddress(path: string, query: Query = {}): string {
  const members = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') members.set(name, String(value));
  }
  const tenant = new URLSearchParams(location.search).get('tenant');
  if (tenant !== null) members.set('tenant', tenant);
  return members.size === 0 ? path : `${path}?${members}`;
}

async function answer(response: Response): Promise<Response> {
  if (response.ok) return response;
  const text = await response.text();
  throw faultOf(response.status, text);
}

interface Problem {
  code?: string;
  detail?: string;
  title?: string;
  query?: FaultPlace;
}

/** A fault as the service's problem document (RFC 9457) says it. */
function faultOf(status: number, text: string): ApiFault {
  try {
    const { code = '', detail, title, query } = JSON.parse(text) as Problem;
    return new ApiFault(status, code, detail || title || `the service answered ${status}`, query);
  } catch {
    return new ApiFault(status, '', `the service answered ${status}`);
  }
}

async function send(address: string, init?: RequestInit): Promise<Response> {
  try {
    return await answer(await fetch(address, init));
  } catch (error) {
    if (error instanceof ApiFault) throw error;
    throw new ApiFault(0, 'unreachable', 'the service does not answer');
  }
}

export async function getJson<T>(address: string, signal?: AbortSignal): Promise<T> {
  const init = { headers: { accept: 'application/json' }, ...(signal && { signal }) };
  return (await (await send(address, init)).json()) as T;
}

export async function getText(address: string): Promise<string> {
  return (await send(address)).text();
}

export async function postJson<T>(address: string, body: unknown): Promise<T> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return (await (await send(address, init)).json()) as T;
}
