/** The tables of docs/query-language.md are those of the program, and its example of a fault is what is said. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseQuery } from '../core/query/parse.ts';
import { caretLines, faultPlace } from '../core/query/query_fault.ts';
import { ACTIONS } from '../core/query/subjects/actions.ts';
import { ALERTS } from '../core/query/subjects/alerts.ts';
import { EVENTS } from '../core/query/subjects/events.ts';
import { SESSIONS } from '../core/query/subjects/sessions.ts';
import { SUBSCRIPTIONS } from '../core/query/subjects/subscriptions.ts';
import { SUPPRESSIONS } from '../core/query/subjects/suppressions.ts';
import { ACTION_FIELDS, ALERT_FIELDS, SESSION_FIELDS } from '../dashboards/web/query_fields.ts';

const page = readFileSync(new URL('../docs/query-language.md', import.meta.url), 'utf8');

it.each([SESSIONS, ALERTS, EVENTS, SUPPRESSIONS, SUBSCRIPTIONS, ACTIONS])(
  'the table of $name has their fields',
  (subject) => {
    const table = page.split(`<!-- table: query-${subject.name} -->\n`)[1]?.split('\n\n')[0] ?? '';
    const rows = table.split('\n').slice(2).filter(Boolean);
    const expected = Object.entries(subject.fields).map(([name, field]) => {
      const names = [name, ...(field.aliases ?? [])].map((each) => `\`${each}\``).join(', ');
      const type = field.type === 'choice' && field.ordered ? 'ordered choice' : field.type;
      return `| ${names} | ${type} | ${field.about}${field.content ? '; needs `content:read`' : ''} |`;
    });
    expect(rows).toEqual(expected);
  },
);

it('the example of a fault is what is said', () => {
  const text = 'usr_id:alice';
  let said = '';
  try {
    parseQuery(text, SESSIONS);
  } catch (error) {
    const place = faultPlace(error) ?? { at: -1, chars: 0 };
    const lines = caretLines(text, place, (shown) => shown).map((line) => `  ${line}`);
    said = [...lines, `query_invalid: ${(error as Error).message}`].join('\n');
  }
  expect(page).toContain(said);
});

it('every example is read without a fault', () => {
  const examples = [...page.matchAll(/^\| (`.*`) \|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
    .filter((text) => /[:<>*]/.test(text) && !text.includes('content:read'));
  expect(examples.length).toBeGreaterThan(12);
  const subjects = [SESSIONS, ALERTS, EVENTS];
  for (const text of examples) {
    const read = subjects.some((subject) => {
      try {
        return parseQuery(text, subject) !== undefined;
      } catch {
        return false;
      }
    });
    expect(read, text).toBe(true);
  }
});

it('the pages offer the fields of the language', () => {
  expect(ALERT_FIELDS).toEqual(Object.keys(ALERTS.fields));
  expect(ACTION_FIELDS).toEqual(Object.keys(ACTIONS.fields));
  expect(SESSION_FIELDS).toEqual(Object.keys(SESSIONS.fields));
});
