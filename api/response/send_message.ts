/** One attempt to tell one subscriber of one message: the form, the signature, and the way. */

import { codeOf } from '../../core/errors.ts';
import { type MailSettings, mayBeMailed } from '../../core/mail_settings.ts';
import type { Subscription } from '../../core/subscription.ts';
import type { WebhookCredential } from '../../core/webhook_credential.ts';
import type { Format } from './format.ts';
import type { MailLimit } from './mail_limit.ts';
import { mailId, mailText } from './mail_text.ts';
import type { Mailer } from './mailer.ts';
import type { Message } from './message.ts';
import { type PeopleData, TO_OWNER, TO_USER } from './people_message.ts';
import type { Attempt, Poster } from './post.ts';
import { signedHeaders } from './signing.ts';
import { credentialOf } from './subscriptions.ts';
import { MAILTO, SECRET_PART } from './target.ts';
import type { WebhookKeys } from './webhook_keys.ts';

export interface Sender {
  formats: ReadonlyMap<string, Format>;
  credentials: Readonly<Record<string, WebhookCredential>>;
  keys: WebhookKeys;
  poster: Poster;
  now: () => number;
  user_agent: string;
  /** Absent where the settings name no server for mail. */
  mail: { settings: MailSettings; mailer: Mailer; perPerson: MailLimit } | undefined;
}

/** Sends once. Never throws; a fault that no later attempt can heal has `final` set. */
export async function sendMessage(
  sender: Sender,
  subscription: Subscription,
  message_id: string,
  message: Message,
): Promise<Attempt & { final?: boolean }> {
  if (subscription.url.startsWith(MAILTO)) return sendMail(sender, subscription, message_id, message);
  const { formats, credentials, keys, poster, now, user_agent } = sender;
  const format = formats.get(subscription.format);
  if (format === undefined) return { status: 0, error: 'format_unknown', final: true };
  let body: string;
  let url = subscription.url;
  let headers: Record<string, string> = {};
  try {
    body = format.body(message, subscription.template);
    if (subscription.credential !== '') {
      const credential = credentialOf(credentials, subscription);
      headers = lowerCased(credential.headers);
      url = url.replaceAll(SECRET_PART, credential.url_secret ?? '');
    }
  } catch (error) {
    return { status: 0, error: codeOf(error), final: codeOf(error) === 'template_failed' };
  }
  const { subscription_id, generation, previous_until_ms } = subscription;
  const generations = previous_until_ms > now() ? [generation, generation - 1] : [generation];
  const signed = signedHeaders(
    { id: message_id, timestamp_s: Math.floor(now() / 1000), body },
    generations.map((each) => keys.of(subscription_id, each)),
  );
  const all = { ...headers, 'content-type': format.content_type, 'user-agent': user_agent, ...signed };
  return poster.post(url, all, body);
}

/** To the address of the subscription, or of the person that it names by the part that they play. */
async function sendMail(
  { mail }: Sender,
  { url }: Subscription,
  message_id: string,
  message: Message,
): Promise<Attempt & { final?: boolean }> {
  if (mail === undefined) return { status: 0, error: 'mail_not_set_up' };
  const { user_id = '', owner_id = '' } = message.data as Partial<PeopleData>;
  const to = url === TO_USER ? user_id : url === TO_OWNER ? owner_id : url.slice(MAILTO.length);
  // Producers say who a user is: the settings alone say to whom mail may go.
  if (!mayBeMailed(to, mail.settings)) return { status: 0, error: 'recipient_not_allowed', final: true };
  const person = message.kind === 'people' && message.type !== 'test';
  if (person && !(await mail.perPerson.take(to))) return { status: 0, error: 'recipient_limit', final: true };
  const attempt = await mail.mailer.send({ to, ...mailText(message), message_id: mailId(message_id) });
  if (person && attempt.error !== '') await mail.perPerson.giveBack(to);
  return attempt;
}

const lowerCased = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
