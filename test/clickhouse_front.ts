/**
 * The part of ClickHouse's HTTP interface that its client uses, over the embedded engine: for testing what speaks to a
 * server where no server can run. It is the real SQL engine behind a stand-in for the wire.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer as bufferOf } from 'node:stream/consumers';
import { Session } from 'chdb';

export interface Front {
  url: string;
  /** Requests seen so far, each as its query, the names of its URL's fields and whether it came as a form. */
  readonly requests: { query: string; fields: string[]; form: boolean }[];
  /** What happens to the next request instead of an answer. */
  next: 'reset' | 'page' | 'cut' | undefined;
  /** How an error after the first row is told: by the tag of new servers, or by a connection that ends. */
  late_errors: 'tag' | 'reset';
  /** Bytes of answers that were handed to the socket. */
  bytes_sent: number;
  close(): Promise<void>;
}

interface Statement {
  query: string;
  params: Map<string, string>;
  settings: Map<string, string>;
  body: Buffer;
  form: boolean;
}

/** Starts the front on a free port over the engine's folder. Requests need this user and password. */
export async function startFront(folder: string, user = 'writer', password = 'p@ss/word'): Promise<Front> {
  const uploads = join(folder, 'uploads');
  mkdirSync(uploads, { recursive: true });
  const data = join(folder, 'engine');
  const anchor = new Session(data); // the engine ends with its last session
  let count = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://front');
    if (url.pathname === '/ping') return void response.end('Ok.\n');
    const statement = await statementOf(request, url);
    front.requests.push({ query: statement.query, fields: [...url.searchParams.keys()], form: statement.form });
    const act = front.next;
    front.next = undefined;
    if (act === 'reset') return void request.socket.destroy();
    if (act === 'page') return void response.writeHead(502).end('<html>Bad gateway: sk-secret-4711</html>');
    if (request.headers.authorization !== `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`) {
      return refuse(response, 'Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)');
    }
    const file = join(uploads, `${count++}`);
    const session = new Session(data);
    try {
      await run(session, statement, file, response, act === 'cut');
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (!response.headersSent) refuse(response, text);
      else endLate(response, text);
    } finally {
      session.close();
      rmSync(file, { force: true });
    }
  };

  const run = async (session: Session, statement: Statement, file: string, response: ServerResponse, cut: boolean) => {
    for (const [name, value] of statement.settings)
      if (!WIRE.has(name)) session.query(`SET ${name} = ${Number(value)}`);
    session.query('SET max_query_size = 268435456');
    const sql = bind(statement.query, statement.params);
    const insert = /^(INSERT INTO [^{]*?)(\s+SETTINGS [^{]*?)?\s+FORMAT RowBinary\s*$/i.exec(sql);
    if (insert) {
      writeFileSync(file, statement.body);
      await session.queryAsync(`${insert[1]} FROM INFILE '${file}'${insert[2] ?? ''} FORMAT RowBinary`);
      return void response.end();
    }
    const format = /FORMAT (\w+)\s*$/.exec(sql)?.[1];
    const tag = randomBytes(8).toString('hex');
    response.setHeader('X-ClickHouse-Exception-Tag', tag);
    if (format === undefined || statement.settings.get('wait_end_of_query') !== '0') {
      const result = await session.queryAsync(sql, format === undefined ? {} : { format });
      const bytes = Buffer.from(result.bytes());
      front.bytes_sent += bytes.length;
      if (!cut) return void response.end(bytes);
      response.writeHead(200).write(bytes.subarray(0, bytes.length - 1), () => response.destroy());
      return;
    }
    for await (const chunk of session.queryStream(sql.replace(/FORMAT \w+\s*$/, ''), { format })) {
      const bytes = Buffer.from(chunk.raw());
      for (let at = 0; at < bytes.length; at += 65_536) {
        const piece = bytes.subarray(at, at + 65_536);
        front.bytes_sent += piece.length;
        if (response.destroyed) return;
        if (!response.write(piece)) await room(response);
        if (cut) return void response.destroy();
      }
    }
    response.end();
  };

  const endLate = (response: ServerResponse, text: string) => {
    const tag = response.getHeader('X-ClickHouse-Exception-Tag');
    if (front.late_errors === 'reset') return void response.destroy();
    const block = `\r\n__exception__\r\n${tag}\r\n${text}\n${Buffer.byteLength(text) + 1} ${tag}\r\n__exception__\r\n`;
    response.write(block, () => response.destroy());
  };

  const server: Server = createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const front: Front = {
    url: `http://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/default`,
    requests: [],
    next: undefined,
    late_errors: 'tag',
    bytes_sent: 0,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      anchor.close();
    },
  };
  return front;
}

/** Resolves when the socket takes more, or is closed. */
function room(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

/** Settings of the wire alone, which the embedded engine does not know. */
const WIRE = new Set(['wait_end_of_query', 'enable_http_compression', 'default_format']);

function refuse(response: ServerResponse, text: string): void {
  const code = /^Code: (\d+)/.exec(text)?.[1] ?? '1002';
  response.writeHead(code === '516' ? 403 : 500, { 'X-ClickHouse-Exception-Code': code }).end(`${text}\n`);
}

async function statementOf(request: IncomingMessage, url: URL): Promise<Statement> {
  const body = await bufferOf(request);
  const fields = [...url.searchParams];
  const form = /^multipart\/form-data; boundary=(.+)$/.exec(request.headers['content-type'] ?? '')?.[1];
  if (form !== undefined) fields.push(...partsOf(body, form));
  const params = fields.flatMap(([name, value]) =>
    name.startsWith('param_') ? [[name.slice(6), value] as const] : [],
  );
  const query = fields.find(([name]) => name === 'query')?.[1];
  const known = new Set(['query', 'query_id', 'database', 'session_id']);
  const settings = fields.filter(([name]) => !name.startsWith('param_') && !known.has(name));
  return {
    query: query ?? body.toString('utf8'),
    params: new Map(params),
    settings: new Map(settings),
    body: form === undefined ? body : Buffer.alloc(0),
    form: form !== undefined,
  };
}

function partsOf(body: Buffer, boundary: string): [string, string][] {
  const parts = `\r\n${body.toString('utf8')}`.split(`\r\n--${boundary}`).slice(1, -1);
  return parts.map((part) => {
    const at = part.indexOf('\r\n\r\n');
    return [/name="(\w+)"/.exec(part.slice(0, at))?.[1] ?? '', part.slice(at + 4)];
  });
}

/** Replaces `{name:Type}` as a server does: strings are read as tab-separated text, other types as they stand. */
function bind(sql: string, params: Map<string, string>): string {
  return sql.replace(/\{(\w+):([^{}]+)\}/g, (_, name: string, type: string) => {
    const text = params.get(name);
    if (text === undefined)
      throw new Error(`Code: 456. DB::Exception: Substitution \`${name}\` is not set. (UNKNOWN_QUERY_PARAMETER)`);
    const hex = Buffer.from(type === 'String' ? unescapeText(text) : text).toString('hex');
    return `CAST(unhex('${hex}'), '${type.replaceAll("'", "''")}')`;
  });
}

const ESCAPED: Record<string, string> = { t: '\t', n: '\n', r: '\r', '0': '\0', b: '\b', f: '\f', v: '\v' };

function unescapeText(text: string): string {
  if (/[\t\n]/.test(text))
    throw new Error('Code: 457. DB::Exception: Value is not parsed completely. (BAD_QUERY_PARAMETER)');
  return text.replace(/\\([\s\S])/g, (_, char: string) => ESCAPED[char] ?? char);
}
