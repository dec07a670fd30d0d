/** Events as a producer sends them. */
let count = 0;

/** A prompt with an id of its own; what is given replaces or adds to its fields. */
export function rawEvent(fields: Record<string, unknown> = {}): Record<string, unknown> & { event_id: string } {
  count++;
  return {
    event_id: `event-${count}`,
    time: new Date().toISOString(),
    type: 'prompt',
    session_id: 'session-1',
    user_id: 'ana@example.com',
    agent: 'assistant',
    content: `what is new, part ${count}`,
    ...fields,
  };
}
