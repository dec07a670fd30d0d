/** A message as a mail: a subject and plain text. What others wrote cannot end a line, and no address in it is a link. Pure. */
import { hash } from 'node:crypto';
import { type Message, plain } from './message.ts';
import type { PeopleData } from './people_message.ts';

const SUBJECT_CHARS_MAX = 150;
const LINE_CHARS_MAX = 400;

/** One line: without controls, without what makes a link of it. */
function line(text: string, chars_max = LINE_CHARS_MAX): string {
  const said = plain(text)
    .replace(/[\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/:\/\//g, '[://]')
    .replace(/\bwww\./gi, 'www[.]');
  return said.length > chars_max ? `${said.slice(0, chars_max - 1)}…` : said;
}

/** The subject and the text of a message. */
export function mailText(message: Message): { subject: string; text: string } {
  return message.kind === 'people' ? ofPerson(message) : ofAlert(message);
}

const rows = (members: Record<string, string>) =>
  Object.entries(members)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${line(value)}`)
    .join('\r\n');

function ofAlert({ alert, type, time_ms }: Message) {
  const { severity, title, reason, rule_id, user_id, agent, session_id, alert_id } = alert;
  const about = { severity, rule: rule_id, user: user_id, agent, session: session_id, alert: alert_id, message: type };
  const at = new Date(time_ms).toISOString();
  return {
    subject: line(`[${severity}] ${title}`, SUBJECT_CHARS_MAX),
    text: `${line(title)}\r\n\r\n${line(reason, 4_000)}\r\n\r\n${rows({ ...about, time: at })}\r\n`,
  };
}

function ofPerson({ data, time_ms }: Message) {
  const { said, user_id, agent, session_id, title, alert_id } = data as unknown as PeopleData;
  const about = { what: title, user: user_id, agent, session: session_id, alert: alert_id ?? '' };
  const at = new Date(time_ms).toISOString();
  return {
    subject: line(said, SUBJECT_CHARS_MAX),
    text: `${line(said)}\r\n\r\n${rows({ ...about, time: at })}\r\n\r\nIf you did not expect this, tell your security team. Do not answer this mail.\r\n`,
  };
}

/** The id of a mail in its header: the same at every attempt, one of its own for each subscription and message. */
export const mailId = (message_id: string): string => hash('sha256', `mail\n${message_id}`).slice(0, 32);
