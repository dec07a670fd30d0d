/** A mail server on a local socket that keeps what it takes, with a certificate for mail.example.test that nobody signed. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

const FOLDER = fileURLToPath(new URL('../vectors/mail/', import.meta.url));
/** The certificate, which is its own authority. */
export const CA_FILE = `${FOLDER}server.pem`;

export interface TakenMail {
  from: string;
  to: string[];
  secure: boolean;
  user: string | undefined;
  raw: string;
  mail: ParsedMail;
}

export interface MailServer {
  port: number;
  got: TakenMail[];
  /** Throws what the next recipients are answered with. */
  onRecipient: (address: string) => void;
  /** Resolves when so many mails came. */
  count(n: number): Promise<TakenMail[]>;
  close(): Promise<void>;
}

/** Refuses with a code. */
export const refusal = (responseCode: number) =>
  Object.assign(new Error('no, and your secret is hunter2'), { responseCode });

export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const server = new SMTPServer({
    key: readFileSync(`${FOLDER}server.key.pem`),
    cert: readFileSync(CA_FILE),
    authOptional: true,
    allowInsecureAuth: false,
    onAuth: ({ username, password }, _, done) =>
      password === 'right' ? done(null, { user: username }) : done(refusal(535)),
    onRcptTo({ address }, _, done) {
      try {
        mails.onRecipient(address);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    onData(stream, { envelope, secure, user }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', async () => {
        const raw = Buffer.concat(chunks).toString();
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        mails.got.push({ from, to, secure, user, raw, mail: await simpleParser(raw) });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.server.address();
  const mails: MailServer = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    got: [],
    onRecipient: () => undefined,
    async count(n) {
      for (let i = 0; i < 400 && mails.got.length < n; i++) await new Promise((resolve) => setTimeout(resolve, 25));
      if (mails.got.length < n) throw new Error(`${mails.got.length} of ${n} mails came`);
      return mails.got;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return mails;
}
