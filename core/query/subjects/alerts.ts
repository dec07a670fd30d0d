/** What can be asked about alerts. `a` is the alert, `s` the state that the actions on it led to. */
import { SEVERITIES } from '../../alert.ts';
import { ALERT_STATUSES, VERDICTS } from '../../alert_action.ts';
import type { Subject } from '../subject.ts';

export const ALERTS: Subject = {
  name: 'alerts',
  about: 'alerts and what became of them',
  fields: {
    alert_id: { type: 'text', column: 'a.alert_id', about: 'the alert', searched: true },
    seq: { type: 'number', column: 'a.seq', about: 'number of its record in the log' },
    rule_id: { type: 'text', column: 'a.rule_id', about: 'the rule that raised it', aliases: ['rule'], searched: true },
    rule_version: { type: 'number', column: 'a.rule_version', about: "the rule's version" },
    severity: { type: 'choice', column: 'a.severity', about: 'how grave it is', values: SEVERITIES, ordered: true },
    risk: { type: 'number', column: 'a.risk', about: '0 to 100' },
    status: {
      type: 'choice',
      column: "if(s.status = '', 'new', s.status)",
      about: 'where it stands',
      values: ALERT_STATUSES,
    },
    verdict: { type: 'choice', column: 's.verdict', about: 'of a closed alert', values: VERDICTS },
    owner: {
      type: 'text',
      column: 's.owner_name',
      about: 'whose it is: the name of a key, assigned or who brought it to its status',
    },
    owner_id: { type: 'text', column: 's.owner_id', about: 'id of that key' },
    note: { type: 'text', column: 's.last_note', about: 'the last note', content: true },
    title: { type: 'text', column: 'a.title', about: 'its title', content: true, searched: true },
    reason: { type: 'text', column: 'a.reason', about: 'its explanation', content: true, searched: true },
    session_id: { type: 'text', column: 'a.session_id', about: 'its session', aliases: ['session'], searched: true },
    user_id: { type: 'text', column: 'a.user_id', about: 'its user', aliases: ['user'], searched: true },
    agent: { type: 'text', column: 'a.agent', about: 'its agent', searched: true },
    time: { type: 'time', column: 'a.time_ms', about: 'time of the event that completed it' },
    raised_at: { type: 'time', column: 'a.raised_at_ms', about: 'when it was raised' },
    status_since: { type: 'time', column: 's.status_since_ms', about: 'when it came to its status' },
    version: {
      type: 'number',
      column: 's.version',
      about: 'number of the record of the last action; 0 before the first',
    },
    tags: {
      type: 'list',
      column: 'arrayConcat(a.tags, s.added_tags)',
      about: 'ids of MITRE ATLAS and OWASP, and what people added',
      aliases: ['tag'],
    },
    added_tags: { type: 'list', column: 's.added_tags', about: 'what people added', aliases: ['added_tag'] },
  },
};
