import { describe, expect, it } from 'vitest';
import { markdown, plainText } from './report_table.ts';

const table = (rows: string[][]) => [
  { heading: 'Set one', tables: [{ heading: 'tasks', note: 'How many.', columns: ['task', 'found'], rows }] },
];

describe('a table as Markdown', () => {
  it('stands under its headings, with the first column to the left', () => {
    expect(markdown('Report', 'Preface.', table([['send_mail', '1 of 2']]))).toBe(
      [
        '# Report\n\nPreface.\n\n## Set one\n\n### tasks\n\nHow many.\n',
        '| task | found |\n|---|---:|\n| send_mail | 1 of 2 |\n',
      ].join('\n'),
    );
  });

  it('shows names from outside as text: no further cell, mark, tag, link or line', () => {
    const text = markdown('Report', '', table([['a | b\n<img src=x> [c](http://example.test) `d` _e_ ~f~', '–']]));
    expect(text).toContain(
      '| a \\| b\\\\u{a}&lt;img src=x&gt; \\[c\\](http://example.test) \\`d\\` \\_e\\_ \\~f\\~ | – |',
    );
  });

  it('says that a table is empty', () => {
    expect(markdown('Report', '', table([]))).toContain('How many.\n\nNone.');
  });
});

describe('a table as plain text', () => {
  it('has columns of equal width and no control characters from outside', () => {
    const text = plainText(
      table([
        ['\u001b[2Jname', '1'],
        ['b', '22 of 30'],
      ]),
    );
    const lines = text.split('\n');
    expect(lines[0]).toBe('== Set one ==');
    expect(lines).toContain('\\u{1b}[2Jname  1');
    expect(lines).toContain(`${'b'.padEnd('\\u{1b}[2Jname'.length)}  22 of 30`);
  });
});
