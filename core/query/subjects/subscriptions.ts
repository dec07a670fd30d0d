/** What can be asked about subscriptions. They are all in memory, so queries are evaluated there. */
import { SEVERITIES } from '../../alert.ts';
import { SUBSCRIPTION_KINDS, SUBSCRIPTION_STATES } from '../../subscription.ts';
import type { Subject } from '../subject.ts';

export const SUBSCRIPTIONS: Subject = {
  name: 'subscriptions',
  about: 'who is told of what, and where',
  fields: {
    subscription_id: { type: 'text', column: 'subscription_id', about: 'the subscription', searched: true },
    name: { type: 'text', column: 'name', about: 'its name', searched: true },
    kind: { type: 'choice', column: 'kind', about: 'whom it tells', values: SUBSCRIPTION_KINDS },
    url: { type: 'text', column: 'url', about: 'where it sends to', searched: true },
    format: { type: 'text', column: 'format', about: 'the form of its messages' },
    severity_min: {
      type: 'choice',
      column: 'severity_min',
      about: 'least severity',
      values: SEVERITIES,
      ordered: true,
    },
    rule: { type: 'list', column: 'rules', about: 'only these rules; none for all', aliases: ['rules'] },
    state: { type: 'choice', column: 'state', about: 'whether it sends', values: SUBSCRIPTION_STATES },
    reason: { type: 'text', column: 'reason', about: 'why it is disabled' },
    created_at: { type: 'time', column: 'created_at_ms', about: 'when it was made' },
  },
};
