import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWithin, likeness as likenessOf, nameForm } from './near_names.ts';

const likeness = (a: string, b: string) => likenessOf(nameForm(a), nameForm(b));

/** The restricted Damerau-Levenshtein distance as it is defined. */
function distanceOf(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const cost = a.at(-1) === b.at(-1) ? 0 : 1;
  const shorter_a = a.slice(0, -1);
  const shorter_b = b.slice(0, -1);
  const ways = [distanceOf(shorter_a, b) + 1, distanceOf(a, shorter_b) + 1, distanceOf(shorter_a, shorter_b) + cost];
  const swapped = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
  if (swapped) ways.push(distanceOf(a.slice(0, -2), b.slice(0, -2)) + 1);
  return Math.min(...ways);
}

describe('isWithin', () => {
  // Known answers of the restricted Damerau-Levenshtein distance.
  it.each([
    ['kitten', 'sitting', 3],
    ['flaw', 'lawn', 2],
    ['ca', 'abc', 3],
    ['ab', 'ba', 1],
    ['', 'abc', 3],
    ['same', 'same', 0],
  ])('%s and %s are %i apart', (a, b, distance) => {
    expect(isWithin(a, b, distance)).toBe(true);
    if (distance > 0) expect(isWithin(a, b, distance - 1)).toBe(false);
  });

  it('does not depend on the order of the two', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), fc.nat(4), (a, b, distance) => {
        expect(isWithin(a, b, distance)).toBe(isWithin(b, a, distance));
      }),
    );
  });

  it('says what the whole table of distances says', () => {
    const name = fc.stringMatching(/^[ab]{0,6}$/);
    fc.assert(
      fc.property(name, name, fc.nat(5), (a, b, distance) => {
        expect(isWithin(a, b, distance)).toBe(distanceOf(a, b) <= distance);
      }),
    );
  });

  it('finds every name that is one edit away', () => {
    const name = fc.stringMatching(/^[a-z]{6,12}$/);
    fc.assert(
      fc.property(name, fc.nat(), fc.constantFrom('a', 'q', 'z'), (text, place, letter) => {
        const at = place % text.length;
        expect(isWithin(text, text.slice(0, at) + letter + text.slice(at), 1)).toBe(true);
        expect(isWithin(text, text.slice(0, at) + letter + text.slice(at + 1), 1)).toBe(true);
        expect(isWithin(text, text.slice(0, at) + text.slice(at + 1), 1)).toBe(true);
      }),
    );
  });
});

describe('likeness', () => {
  it.each([
    ['send_email', 'send_email', 'same'],
    ['send_email', 'sendEmail', 'written_otherwise'],
    ['send-email', 'send.email', 'written_otherwise'],
    ['send_email', 'ｓend_email', 'written_otherwise'],
    ['send_email', 'sеnd_email', 'lookalike'], // Cyrillic е
    ['search_notes', 'ѕearch_notes', 'lookalike'],
    ['search_notes', 'séarch_notes', 'lookalike'],
    ['list_files', '1ist_files', 'lookalike_digit'],
    ['return_item', 'retum_item', 'lookalike_digit'],
    ['approve_payment', 'approve_paymnet', 'mistyped'],
    ['search_notes', 'serch_notes', 'mistyped'],
  ])('%s and %s: %s', (a, b, expected) => expect(likeness(a, b)).toBe(expected));

  it.each([
    ['get_user', 'get_users'],
    ['get_user', 'set_user'],
    ['list_items', 'lint_items'],
    ['import_contacts', 'export_contacts'],
    ['lock_account', 'unlock_account'],
    ['search_v1', 'search_v2'],
    ['push', 'pull'],
    ['get_ticket', 'get_weather'],
    ['read', 'reap'],
  ])('%s and %s are two things', (a, b) => expect(likeness(a, b)).toBeUndefined());

  it('does not depend on the order of the two', () => {
    const name = fc.stringMatching(/^[a-zа-я0-9_-]{1,16}$/);
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(likeness(a, b)).toBe(likeness(b, a));
      }),
    );
  });

  it('takes time that does not grow with endless names', () => {
    const started_ms = performance.now();
    likeness('a'.repeat(1_000_000), `${'a'.repeat(999_999)}b`);
    expect(performance.now() - started_ms).toBeLessThan(500);
  });
});
