/** What can be asked about suppressions. `a` is the action that made one, `h` what it held back. */
import type { Subject } from '../subject.ts';

const scoped = (member: 'agent' | 'server' | 'tool', about: string) =>
  ({ type: 'text', column: `JSONExtractString(a.scope, '${member}')`, about }) as const;

export const SUPPRESSIONS: Subject = {
  name: 'suppressions',
  about: 'findings that are held back, until when and why',
  fields: {
    suppression_id: { type: 'text', column: 'a.action_id', about: 'the suppression', searched: true },
    alert_id: { type: 'text', column: 'a.alert_id', about: 'the alert that it was made from', searched: true },
    rule_id: {
      type: 'text',
      column: "JSONExtractString(a.scope, 'rule_id')",
      about: 'the rule that it is about',
      aliases: ['rule'],
      searched: true,
    },
    user_id: {
      type: 'text',
      column: "JSONExtractString(a.scope, 'user_id')",
      about: 'the user that it is limited to',
      aliases: ['user'],
      searched: true,
    },
    agent: scoped('agent', 'the agent that it is limited to'),
    server: scoped('server', 'the server that it is limited to'),
    tool: scoped('tool', 'the tool that it is limited to'),
    owner: { type: 'text', column: 'a.actor_name', about: 'name of the key that made it', searched: true },
    reason: { type: 'text', column: 'a.reason', about: 'why', content: true, searched: true },
    from: { type: 'time', column: 'from_ms', about: 'when it began' },
    expires_at: { type: 'time', column: 'expires_at_ms', about: 'when it ends' },
    hits: { type: 'number', column: 'h.hits', about: 'findings that it held back' },
    last_hit_at: { type: 'time', column: 'last_hit_ms', about: 'when it held the last one back' },
  },
};
