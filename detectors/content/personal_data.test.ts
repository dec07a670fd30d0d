import { describe, expect, it } from 'vitest';
import { cpuRatio } from '../../test/cpu_ratio.ts';
import { findPersonalNumbers } from './personal_data.ts';

const groups = (text: string, name = '') => findPersonalNumbers(text, name).map(({ group }) => group);

describe('finds', () => {
  it.each([
    ['a card with spaces', 'Visa 4111 1111 1111 1111 exp 12/27', 'payment card'],
    ['an IBAN', 'to DE89 3704 0044 0532 0130 00 please', 'bank account'],
    ['a social security number beside its name', 'SSN: 123-45-6789', 'national number'],
    ['an Italian tax code', 'cf RSSMRA85T10A562S', 'national number'],
    ['a Spanish number', 'DNI 12345678Z', 'national number'],
    ['a French number with spaces', '2 55 08 14 168 025 38', 'national number'],
    ['a Finnish number', 'hetu 131052-308T', 'national number'],
    ['a Swedish number', '811218-9876', 'national number'],
    ['a Belgian number', '85.07.30-033.28', 'national number'],
    ['a Swiss number', '756.9217.0769.85', 'national number'],
    ['a Brazilian number', '529.982.247-25', 'national number'],
    ['a Chinese number', '11010519491231002X', 'national number'],
    ['a number of the English health service beside its name', 'NHS no 943 476 5919', 'health number'],
    ['a medical record number beside its name', 'MRN: 00481516', 'health number'],
  ])('%s', (_what, text, group) => {
    expect(groups(text)).toEqual([group]);
  });

  it('a number that only the name of its field explains', () => {
    expect(groups('9434765919', 'nhs_number')).toEqual(['health number']);
    expect(groups('9434765919', 'phone')).toEqual([]);
  });

  it('each number once', () => {
    expect(groups('4111111111111111, 4111 1111 1111 1111')).toHaveLength(1);
  });
});

describe('stays silent on', () => {
  it.each([
    ['a card whose check does not hold', '4111 1111 1111 1112'],
    ['an order number with a valid check that no card network uses', '9999 9999 9999 9995'],
    ['zeros', '0000000000000000'],
    ['a date and time', '2026-01-15 09:30:00 20260115093000'],
    ['a number like a social security number without its name', 'part 123-45-6789'],
    ['digits inside a longer identifier', 'a4111111111111111b-4111-1111-1111-1111-9'],
    ['a phone number', '+1 202 555 0143'],
    ['an IBAN with a wrong check', 'DE88370400440532013000'],
    ['a hash', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ])('%s', (_what, text) => {
    expect(groups(text)).toEqual([]);
  });
});

it.each(['1', '4111 ', 'A1', '1234-', '12.', 'DE89 3704 ', 'ssn 1', '19', 'nhs mrn sin 943 476 5919 '])(
  'takes time linear in a text of %j',
  (unit) => {
    expect(cpuRatio((chars) => findPersonalNumbers(unit.repeat(chars / unit.length)), 40_000)).toBeLessThan(28);
  },
);
