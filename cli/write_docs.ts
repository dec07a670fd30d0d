/** Writes the generated pages of docs/: the JSON Schema of an event, for producers in other languages. */
import { writeFileSync } from 'node:fs';
import { eventJsonSchema } from '../core/event_json_schema.ts';

writeFileSync('docs/event.schema.json', `${JSON.stringify(eventJsonSchema(), null, 2)}\n`);
