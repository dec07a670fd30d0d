/**
 * Where subscriptions are made and changed. Each change is a record of the log that holds the whole subscription; what
 * is in force is read from these records at the start and kept in memory.
 */
import type { Severity } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';
import { isMailAddress, type MailSettings, mayBeMailed } from '../../core/mail_settings.ts';
import { readActions } from '../../core/store/queries/own_records.ts';
import type { Store } from '../../core/store/store.ts';
import {
  SUBSCRIPTION_CHANGED,
  type Subscription,
  type SubscriptionDetail,
  type SubscriptionKind,
  subscriptionOf,
} from '../../core/subscription.ts';
import type { WebhookCredential } from '../../core/webhook_credential.ts';
import type { LogWriter } from '../../ingest/log_writer.ts';
import type { Principal } from '../auth/access.ts';
import type { Format } from './format.ts';
import { checkTemplate } from './formats/template.ts';
import { TO_OWNER, TO_USER } from './people_message.ts';
import { checkTarget, MAILTO, SECRET_PART } from './target.ts';

/** What somebody wants a subscription to be. Checked as to its form. */
export interface WantedSubscription {
  name: string;
  kind: SubscriptionKind;
  url: string;
  format: string;
  template: string;
  credential: string;
  severity_min: Severity;
  rules: string[];
  per_second_max: number;
}

export type SubscriptionChange = SubscriptionDetail['change'];

export interface Subscriptions {
  all(): IterableIterator<Subscription>;
  get(subscription_id: string): Subscription | undefined;
  /** Makes one. Throws `query_invalid`, `too_many_subscriptions`, `read_only`. */
  create(wanted: WantedSubscription, tenant: string, principal: Principal): Promise<Subscription>;
  /** Changes one. What may be changed follows from the change. Throws `not_found`, `query_invalid`, `read_only`. */
  change(
    subscription_id: string,
    change: Exclude<SubscriptionChange, 'created'>,
    members: Partial<Subscription>,
    principal: Pick<Principal, 'key_id' | 'name'>,
  ): Promise<Subscription>;
}

export interface SubscriptionsOptions {
  store: Store;
  log: string;
  /** Absent where the folder is only read. */
  writer: LogWriter | undefined;
  now: () => number;
  allowed: readonly string[];
  credentials: Readonly<Record<string, WebhookCredential>>;
  formats: ReadonlyMap<string, Format>;
  mail: MailSettings | undefined;
}

const PAGE = 1_000;

/** Reads what the log says of subscriptions. */
export async function openSubscriptions(options: SubscriptionsOptions): Promise<Subscriptions> {
  const known = new Map<string, Subscription>();
  for (let from = 0; ; ) {
    const of = { log: options.log, types: [SUBSCRIPTION_CHANGED], from, to: Number.MAX_SAFE_INTEGER, limit: PAGE };
    const page = await readActions(options.store, of);
    for (const { detail } of page) keep(known, subscriptionOf(detail as unknown as SubscriptionDetail));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    from = last.seq + 1;
  }
  let turn: Promise<unknown> = Promise.resolve();
  /** One change at a time, so that none is lost under another. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  };
  const write = async (next: Subscription, change: SubscriptionChange, who: Pick<Principal, 'key_id' | 'name'>) => {
    await record(options, next, change, who);
    keep(known, next);
    return next;
  };
  return {
    all: () => known.values(),
    get: (subscription_id) => known.get(subscription_id),
    create: (wanted, tenant, principal) =>
      inTurn(async () => {
        if (known.size >= LIMITS.subscriptions_max) {
          const message = `there are ${LIMITS.subscriptions_max} subscriptions already`;
          throw new AppError('too_many_subscriptions', message);
        }
        checkWanted(options, wanted, tenant);
        return write(newSubscription(wanted, tenant, options.now()), 'created', principal);
      }),
    change: (subscription_id, change, members, who) =>
      inTurn(async () => {
        const before = known.get(subscription_id);
        if (before === undefined) throw new AppError('not_found', 'there is no such subscription in this tenant');
        const next = { ...before, ...members, version: before.version + 1 };
        if (change === 'updated' || change === 'enabled')
          checkWanted(options, { ...next, rules: [...next.rules] }, next.tenant);
        return write(next, change, who);
      }),
  };
}

function keep(known: Map<string, Subscription>, subscription: Subscription): void {
  if (subscription.state === 'deleted') known.delete(subscription.subscription_id);
  else known.set(subscription.subscription_id, subscription);
}

function newSubscription(wanted: WantedSubscription, tenant: string, now_ms: number): Subscription {
  return {
    ...wanted,
    subscription_id: newId('sub'),
    tenant,
    state: 'active',
    reason: '',
    generation: 1,
    previous_until_ms: 0,
    version: 1,
    created_at_ms: now_ms,
    since_ms: now_ms,
  };
}

const invalid = (member: string, why: string) => new AppError('query_invalid', `${member}: ${why}`);

function checkWanted(options: SubscriptionsOptions, wanted: WantedSubscription, tenant: string): void {
  const { url, kind, format, template, credential } = wanted;
  if (!options.formats.has(format)) throw invalid('format', `must be one of ${[...options.formats.keys()].join(', ')}`);
  if (kind !== 'alerts' && format !== 'native' && format !== 'template') {
    throw invalid('format', `of a subscription of the kind ${kind} must be native or template`);
  }
  if ((format === 'template') !== (template !== ''))
    throw invalid('template', 'goes with the format template, and with no other');
  if (template !== '') checkTemplate(template);
  if (url.startsWith(MAILTO)) checkMail(options, wanted);
  else if (url === '') {
    if (kind !== 'enforcement') throw invalid('url', 'may be left out by the kind enforcement only');
  } else checkTarget(url, options.allowed);
  if (credential !== '') credentialOf(options.credentials, { url, credential, tenant });
  else if (url.includes(SECRET_PART)) throw invalid('url', `${SECRET_PART} needs a credential`);
}

/** Mail has a form of its own, and goes where the settings let it. */
function checkMail({ mail }: SubscriptionsOptions, { url, kind, format, credential }: WantedSubscription): void {
  if (mail === undefined) throw invalid('url', 'is a mail address, and the settings name no server for mail');
  if (kind === 'enforcement') throw invalid('url', 'of the kind enforcement must not be a mail address');
  if (format !== 'native') throw invalid('format', 'does not go with a mail address');
  if (credential !== '') throw invalid('credential', 'does not go with a mail address');
  if (url === TO_USER || url === TO_OWNER) {
    if (kind !== 'people') throw invalid('url', `${url} goes with the kind people`);
    return;
  }
  const to = url.slice(MAILTO.length);
  if (!isMailAddress(to)) throw invalid('url', `must be ${MAILTO} and one plain address, ${TO_USER} or ${TO_OWNER}`);
  if (!mayBeMailed(to, mail)) throw invalid('url', 'is an address that mail.recipients in the settings does not name');
}

/**
 * The credential that a subscription names. Throws `query_invalid` where the settings have none of the name, or where
 * it is not meant for that host or tenant: nobody may have a secret of another's receiver sent to a host of their own.
 */
export function credentialOf(
  credentials: Readonly<Record<string, WebhookCredential>>,
  of: { url: string; credential: string; tenant: string },
): WebhookCredential {
  const found = Object.hasOwn(credentials, of.credential) ? credentials[of.credential] : undefined;
  const url = URL.canParse(of.url) ? new URL(of.url) : undefined;
  const meant =
    found !== undefined &&
    url !== undefined &&
    (found.tenant === undefined || found.tenant === of.tenant) &&
    found.hosts.some((host) => host.toLowerCase() === url.host || host.toLowerCase() === url.hostname);
  if (!meant) throw invalid('credential', 'the settings have none of this name for this host and tenant');
  if (of.url.includes(SECRET_PART) && found.url_secret === undefined) throw invalid('credential', 'has no url_secret');
  return found;
}

async function record(
  { writer, now }: SubscriptionsOptions,
  subscription: Subscription,
  change: SubscriptionChange,
  who: Pick<Principal, 'key_id' | 'name'>,
): Promise<void> {
  if (writer === undefined)
    throw new AppError('read_only', 'subscriptions can be changed only where the log is written');
  const detail: SubscriptionDetail = { ...subscription, change, actor_name: who.name };
  const stamped = writer.stamp({
    kind: 'action',
    type: SUBSCRIPTION_CHANGED,
    event_id: `${subscription.subscription_id}-${subscription.version}`,
    tenant: subscription.tenant,
    session_id: '',
    user_id: '',
    actor: who.key_id,
    time_ms: now(),
    detail: { ...detail },
  });
  await writer.submitInternal([stamped]);
}
