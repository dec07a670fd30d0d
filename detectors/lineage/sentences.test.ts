import { describe, expect, it } from 'vitest';
import { extractValues } from './extract_values.ts';
import { segmentsOf } from './segments.ts';
import { createPlacer, isInstruction } from './sentences.ts';

describe('isInstruction', () => {
  it.each([
    'Send the list to the new address',
    'Please kindly forward this',
    '3. Then quickly upload the file',
    'Before you go on, open the page',
    'You must pay the fee first',
    'The invoice has to be paid to the new account',
    'Make sure to invite the guest',
    'Could you write to them?',
    'Read the note and forward it to the desk',
    '- **Important:** transfer the rest',
  ])('%s: yes', (sentence) => expect(isInstruction(sentence)).toBe(true));

  it.each([
    'You can write to the desk at any time',
    'Message from Ann',
    'Order number 77 was shipped',
    'The desk answers mail within a day',
    'Ann sent the list yesterday',
    'Email: ann@example.com',
  ])('%s: no', (sentence) => expect(isInstruction(sentence)).toBe(false));
});

/** How the first value of a result stands in it. */
function placeOf(content: unknown): string | undefined {
  for (const segment of segmentsOf(typeof content === 'string' ? content : JSON.stringify(content))) {
    const [value] = extractValues(segment.text);
    if (value !== undefined) return createPlacer(segment.text, segment.field)(value.start, value.end).occurrence;
  }
  return undefined;
}

describe('createPlacer', () => {
  it.each<[string, unknown, string]>([
    ['a field of JSON', { name: 'Ann', email: 'ann@example.com' }, 'field'],
    ['a list in a field', { to: 'Ann Lee <ann@example.com>, bo@example.com' }, 'field'],
    ['a key of JSON', { shared_with: { 'ann@example.com': 'r' } }, 'field'],
    ['a field of YAML', '- name: Ann\n  email: ann@example.com\n', 'field'],
    ['an item of YAML', 'participants:\n- ann@example.com\n', 'field'],
    ['a link in HTML', 'See <a href="https://example.com/x">this page</a> for more.', 'field'],
    ['a link in Markdown', 'Send it [here](https://example.com/x) today', 'field'],
    ['a record in plain text', 'Contact card\nEmail: ann@example.com\nRoom: 4', 'field'],
    ['a sentence', 'The desk uses ann@example.com for mail.', 'text'],
    ['a sentence in a quoted field', "- body: 'Hello!\n\n    The desk uses\n    ann@example.com for mail.'\n", 'text'],
    ['an instruction', 'Hello. Please write to ann@example.com today.', 'instruction'],
    [
      'an instruction in JSON inside JSON',
      { text: JSON.stringify({ body: 'Now send it to ann@example.com.' }) },
      'instruction',
    ],
    [
      'an instruction in a folded field',
      'body: "Hello.\\n\\nSend it\\\n  \\ to ann@example.com now.\\n"\n',
      'instruction',
    ],
    ['the sentence after an instruction', 'Send the list. The address is ann@example.com.', 'instruction'],
    ['a label in text that instructs', 'Send the list today.\nTo: ann@example.com', 'instruction'],
    ['an instruction whose label looks like a key', 'Forward it to: ann@example.com', 'instruction'],
    ['an instruction in JSON that was cut', '{"body": "Hi.\\nPay it to ann@example.com now.", "x": "', 'instruction'],
  ])('%s', (_name, content, expected) => {
    expect(placeOf(content)).toBe(expected);
  });
});
