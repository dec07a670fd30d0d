/** What can be asked about sessions. `s` is a row of the list, `a` what its alerts amount to. */
import type { Subject } from '../subject.ts';

export const SESSIONS: Subject = {
  name: 'sessions',
  about: 'sessions of agents',
  fields: {
    session_id: { type: 'text', column: 's.session_id', about: 'the session', aliases: ['session'], searched: true },
    session_source: { type: 'text', column: 's.session_source', about: 'how its id is known' },
    user_id: { type: 'text', column: 's.user_id', about: 'the user', aliases: ['user'], searched: true },
    user_role: { type: 'text', column: 's.user_role', about: "the user's role", aliases: ['role'] },
    agent: { type: 'text', column: 's.agent', about: 'the agent', searched: true },
    client: { type: 'text', column: 's.client', about: 'the program that the agent runs in', searched: true },
    server: {
      type: 'list',
      column: 's.servers',
      about: 'MCP servers that were called',
      aliases: ['servers'],
      searched: true,
    },
    tool: { type: 'list', column: 's.tools', about: 'tools that were called', aliases: ['tools'], searched: true },
    events: { type: 'number', column: 's.events', about: 'number of events' },
    calls: { type: 'number', column: 's.calls', about: 'number of calls' },
    errors: { type: 'number', column: 's.errors', about: 'number of results that are errors' },
    prompts: { type: 'number', column: 's.prompts', about: 'number of prompts' },
    first_time: { type: 'time', column: 's.first_time_ms', about: 'time of its first event' },
    last_time: { type: 'time', column: 's.last_time_ms', about: 'time of its last event', aliases: ['time'] },
    risk: { type: 'number', column: 'a.risk', about: '0 to 100, from its alerts' },
    alerts: { type: 'number', column: 'a.alerts', about: 'number of alerts' },
  },
};
