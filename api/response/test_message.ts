/** The message of the test button: an alert that is none. */
import { newId } from '../../core/ids.ts';
import type { Subscription } from '../../core/subscription.ts';
import { alertMessage, type Message } from './message.ts';
import { personData } from './people_message.ts';

/** A message of the type `test`, which looks like one of an alert. */
export function testMessage(subscription: Subscription, log: string, now_ms: number): Message {
  const alert = {
    tenant: subscription.tenant === '*' ? 'default' : subscription.tenant,
    alert_id: newId('test'),
    log,
    seq: 0,
    rule_id: 'test',
    rule_version: 1,
    severity: 'info',
    risk: 0,
    title: 'A test of this subscription',
    reason: 'Somebody asked for this message. Nothing happened.',
    session_id: 'test',
    user_id: 'test@example.com',
    agent: 'test',
    time_ms: now_ms,
    raised_at_ms: now_ms,
    tags: [],
    evidence: '[]',
  };
  const message: Message = { ...alertMessage(alert), type: 'test', kind: subscription.kind };
  return subscription.kind === 'people' ? { ...message, data: personData(alert, alert.reason, '', null) } : message;
}
