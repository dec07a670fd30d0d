/** What can be asked about what people and programs did with the service itself. */
import type { Subject } from '../subject.ts';

export const ACTIONS: Subject = {
  name: 'actions',
  about: 'what people and programs did here: read, judged, suspended, changed',
  fields: {
    action_id: { type: 'text', column: 'event_id', about: 'the action' },
    seq: { type: 'number', column: 'seq', about: 'number of its record in the log' },
    type: { type: 'text', column: 'type', about: 'what was done', searched: true },
    time: {
      type: 'time',
      column: 'toUnixTimestamp64Milli(received_at)',
      about: 'when it was recorded',
      aliases: ['received_at'],
    },
    actor: {
      type: 'text',
      column: "JSONExtractString(who, 'accepted_by')",
      about: 'id of the key or person that did it',
      searched: true,
    },
    actor_name: {
      type: 'text',
      column: "JSONExtractString(detail, 'actor_name')",
      about: 'its name then',
      aliases: ['name'],
      searched: true,
    },
    session_id: {
      type: 'text',
      column: "JSONExtractString(who, 'session_id')",
      about: 'the session that it is about',
      aliases: ['session'],
      searched: true,
    },
    user_id: {
      type: 'text',
      column: 'user_id',
      about: 'the user that it is about',
      aliases: ['user'],
      searched: true,
    },
    subject: {
      type: 'text',
      column: "JSONExtractString(detail, 'subject')",
      about: 'the event, alert or bundle that was looked at',
      searched: true,
    },
    query: {
      type: 'text',
      column: "JSONExtractString(detail, 'query')",
      about: 'what was searched for',
    },
  },
};
