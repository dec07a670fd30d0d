/** Our own form: type, time and data, as Standard Webhooks advises. */
import { defineFormat } from '../format.ts';

export default defineFormat({
  name: 'native',
  content_type: 'application/json',
  body: ({ type, time_ms, data }) => JSON.stringify({ type, timestamp: new Date(time_ms).toISOString(), data }),
});
