/** What can be asked about events. */
import { EVENT_TYPES } from '../../event.ts';
import { COMMITTED_CONTENT } from '../../store/queries/committed.ts';
import type { Subject } from '../subject.ts';

/** As the index of words has it. `WORDS` stands for the bound list. */
const CONTENT_HOLDS = `(log, seq) IN (SELECT log, seq FROM ${COMMITTED_CONTENT} AND tenant = {tenant:String}
  AND session_id != '' AND state = 'kept' AND hasAllTokens(concat(content, ' ', params), WORDS))`;

export const EVENTS: Subject = {
  name: 'events',
  about: 'what agents, tools and people did',
  fields: {
    event_id: { type: 'text', column: 'event_id', about: 'the event', searched: true },
    session_id: { type: 'text', column: 'session_id', about: 'its session', aliases: ['session'], searched: true },
    seq: { type: 'number', column: 'seq', about: 'number of its record in the log' },
    session_seq: { type: 'number', column: 'session_seq', about: 'its number within the session' },
    type: { type: 'choice', column: 'type', about: 'what it is', values: EVENT_TYPES },
    time: { type: 'time', column: 'toUnixTimestamp64Milli(time)', about: "the producer's time" },
    received_at: { type: 'time', column: 'toUnixTimestamp64Milli(received_at)', about: 'when it arrived' },
    user_id: { type: 'text', column: 'user_id', about: 'the user', aliases: ['user'], searched: true },
    user_role: { type: 'text', column: 'user_role', about: "the user's role", aliases: ['role'] },
    agent: { type: 'text', column: 'agent', about: 'the agent', searched: true },
    server: { type: 'text', column: 'server', about: 'the MCP server', searched: true },
    tool: { type: 'text', column: 'tool', about: 'the tool', searched: true },
    call_id: { type: 'text', column: 'call_id', about: 'joins a call to its result' },
    is_error: { type: 'flag', column: 'is_error', about: 'whether a result is an error' },
    content: {
      type: 'words',
      column: CONTENT_HOLDS,
      about: 'all these words in its content and parameters together',
      content: true,
    },
  },
};
