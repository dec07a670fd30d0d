/**
 * Sends mail to one address over SMTP. TLS is begun or nothing is sent; an attempt ends within its time whatever the
 * server does; what went wrong is told by a code, never in the server's words, which may repeat what was sent to it.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import { AppError, codeOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { MailSettings } from '../../core/mail_settings.ts';
import type { Attempt } from './post.ts';

/** A mail, as plain text. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
  /** The same at every attempt. */
  message_id: string;
}

export interface Mailer {
  /** Never throws. A refusal for good has `final` set. */
  send(mail: Mail): Promise<Attempt & { final?: boolean }>;
  /** Cuts off what is under way. */
  close(): void;
}

const LOOK_MS = 250;
/** Faults of the mail itself. Others, such as a password that is not taken, an operator may mend. */
const OF_THE_MAIL: ReadonlySet<string> = new Set(['EENVELOPE', 'EMESSAGE']);

/** Opens what sends. Throws `config_invalid` where the file of authorities cannot be read. */
export function openMailer(settings: MailSettings, timeout_ms: number = LIMITS.webhook_ms_max): Mailer {
  const ca = settings.ca_file === undefined ? undefined : readAuthorities(settings.ca_file);
  const sockets = new Set<Socket>();
  return {
    async send(mail) {
      const socket = connect({ host: settings.host, port: settings.port });
      sockets.add(socket);
      const end_ms = performance.now() + timeout_ms;
      let why = '';
      const guard = setInterval(
        () => {
          if (performance.now() > end_ms) why = 'timeout';
          else if (socket.bytesRead > LIMITS.webhook_answer_bytes_max) why = 'answer_too_large';
          if (why !== '') socket.destroy(new AppError(why, 'this attempt is over'));
        },
        Math.min(LOOK_MS, timeout_ms),
      );
      try {
        await connected(socket);
        const said = await transportOf(settings, ca, socket, timeout_ms).sendMail(envelopeOf(settings, mail));
        return { status: statusOf(said.response), error: '' };
      } catch (error) {
        return why === '' ? failed(error) : { status: 0, error: why };
      } finally {
        clearInterval(guard);
        sockets.delete(socket);
        socket.destroy();
      }
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AppError('config_invalid', `mail.ca_file: ${file} cannot be read (${codeOf(error)})`, { cause: error });
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.on('error', reject); // stays: one that comes later must not end the process
    socket.once('close', () => reject(new AppError('closed', 'the connection was closed')));
  });
}

function transportOf(settings: MailSettings, ca: string | undefined, socket: Socket, timeout_ms: number) {
  const { host, port, security, server_name, user, password } = settings;
  return createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: {
      servername: server_name ?? host,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(ca !== undefined && { ca }),
    },
    ...(user !== undefined && { auth: { user, pass: password } }),
    connectionTimeout: timeout_ms,
    greetingTimeout: timeout_ms,
    socketTimeout: timeout_ms,
    disableFileAccess: true,
    disableUrlAccess: true,
    getSocket: (_, done) => done(null, { connection: socket }),
  });
}

/** One address in the envelope and in the header, and nothing that a program answers to. */
function envelopeOf({ from }: MailSettings, { to, subject, text, message_id }: Mail) {
  return {
    envelope: { from, to: [to] },
    from: { name: 'Tracewarden', address: from },
    to: { name: '', address: to },
    subject,
    text,
    messageId: `<${message_id}@${from.split('@')[1]}>`,
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

/** The code that an SMTP answer begins with. */
const statusOf = (response: string) => Number(/^\d{3}/.exec(response)?.[0] ?? 0);

function failed(error: unknown): Attempt & { final?: boolean } {
  const { responseCode } = error as { responseCode?: unknown };
  const status = typeof responseCode === 'number' ? responseCode : 0;
  const code = codeOf(error);
  if (status === 0)
    return {
      status,
      error: code
        .toLowerCase()
        .replace(/[^a-z0-9_]/g, '')
        .slice(0, 60),
    };
  return { status, error: `smtp_${status}`, ...(OF_THE_MAIL.has(code) && status >= 500 && { final: true }) };
}
