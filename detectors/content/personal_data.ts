/**
 * Finds numbers that name a person or an account: payment cards, IBANs, national and health numbers. A number counts
 * when its check digits hold; one that has none, or weak ones, only beside a word that says what it is.
 */
import { ibanHolds, ibanLength } from '../lineage/normalise.ts';
import * as check from './check_digits.ts';

export type PersonalGroup = 'payment card' | 'bank account' | 'national number' | 'health number';

export interface PersonalNumber {
  group: PersonalGroup;
  /** Capitals and digits alone; never to be shown. */
  value: string;
}

interface Shape {
  group: PersonalGroup;
  /** Global; every part is bounded. */
  expression: RegExp;
  holds?(value: string): boolean;
  /** A word that must stand in the name of the parameter, or shortly before the number. */
  word?: RegExp;
}

const NUMBERS_MAX = 10_000;
const WORD_CHARS = 48;

const SHAPES: readonly Shape[] = [
  {
    group: 'payment card',
    expression: /(?<![\w.-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])/g,
    holds: (digits) => digits.length <= 19 && isCard(digits) && check.luhnHolds(digits),
  },
  {
    group: 'bank account',
    expression: /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?![A-Za-z0-9])/g,
    holds: (iban) => ibanLength(iban) === iban.length && ibanHolds(iban),
  },
  {
    group: 'national number', // United States
    expression: /(?<![\d-])(?!000|666|9)\d{3}[- ](?!00)\d{2}[- ](?!0000)\d{4}(?![\d-])/g,
    word: /\bssn\b|social[ _-]?security/i,
  },
  {
    group: 'national number', // United Kingdom
    expression: /(?<![A-Za-z0-9])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D](?![A-Za-z0-9])/g,
    word: /\bnino\b|national[ _-]?insurance|\bni (?:no|number)/i,
  },
  {
    group: 'national number',
    expression: /(?<![A-Za-z0-9])[XYZ\d]\d{7}-?[A-Z](?![A-Za-z0-9])/g,
    holds: check.dniHolds,
  },
  {
    group: 'national number', // Italy
    expression: /(?<![A-Za-z0-9])[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![A-Za-z0-9])/g,
    holds: check.codiceFiscaleHolds,
  },
  {
    group: 'national number', // France
    expression: /(?<!\d)[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-4]\d|50|62|63) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\d)/g,
    holds: check.nirHolds,
  },
  {
    group: 'national number', // Belgium
    expression: /(?<![\d.])\d{2}\.(?:0\d|1[0-2])\.[0-3]\d-\d{3}\.\d{2}(?![\d.])/g,
    holds: check.rijksregisterHolds,
  },
  {
    group: 'national number', // Finland
    expression: /(?<![A-Za-z0-9])[0-3]\d(?:0\d|1[0-2])\d{2}[-+A-F]\d{3}[0-9A-Y](?![A-Za-z0-9])/g,
    holds: (value) => check.hetuHolds(value.replace(/^(\d{6})[A-F]?(\d{3}).$/, '$1$2'), value.slice(-1)),
  },
  {
    group: 'national number', // Sweden
    expression: /(?<![\d-])(?:19|20)?\d{2}(?:0[1-9]|1[0-2])[0-3]\d[-+]\d{4}(?![\d-])/g,
    holds: (digits) => check.luhnHolds(digits.slice(-10)),
  },
  { group: 'national number', expression: /(?<![\d.])756\.?\d{4}\.?\d{4}\.?\d{2}(?![\d.])/g, holds: check.ahvHolds },
  { group: 'national number', expression: /(?<![\d.])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)/g, holds: check.cpfHolds },
  {
    group: 'national number', // China
    expression: /(?<![A-Za-z0-9])[1-8]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d\d{3}[\dX](?![A-Za-z0-9])/g,
    holds: check.residentIdHolds,
  },
  {
    group: 'national number', // Germany
    expression: /(?<!\d)[1-9]\d(?: ?\d{3}){3}(?!\d)/g,
    holds: check.steuerIdHolds,
    word: /steuer|tax[ _-]?id|\bidnr\b|\btin\b/i,
  },
  { group: 'national number', expression: /(?<!\d)\d{11}(?!\d)/g, holds: check.peselHolds, word: /pesel/i },
  {
    group: 'national number',
    expression: /(?<!\d)\d{9}(?!\d)/g,
    holds: check.bsnHolds,
    word: /\bbsn\b|burgerservice/i,
  },
  {
    group: 'national number',
    expression: /(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{3}(?!\d)/g,
    holds: check.luhnHolds,
    word: /\bsin\b|social[ _-]?insurance/i,
  },
  {
    group: 'national number',
    expression: /(?<!\d)[2-9]\d{3}(?: ?\d{4}){2}(?!\d)/g,
    holds: check.aadhaarHolds,
    word: /aadha+r|\buid\b/i,
  },
  {
    group: 'health number',
    expression: /(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)/g,
    holds: check.nhsHolds,
    word: /\bnhs\b/i,
  },
  {
    group: 'health number',
    expression: /(?<![A-Za-z0-9])[A-Z]\d{9}(?!\d)/g,
    holds: check.kvnrHolds,
    word: /kvnr|versichert|kranken|insur/i,
  },
  {
    group: 'health number', // United States
    expression:
      /(?<![A-Za-z0-9])[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}(?![A-Za-z0-9])/g,
    word: /medicare|\bmbi\b/i,
  },
  {
    group: 'health number',
    expression: /(?<![A-Za-z0-9])[A-Z]{0,3}-?\d{5,10}(?!\d)/g,
    word: /\bmrn\b|medical[ _-]?record|patient[ _-]?(?:id|number|no)\b/i,
  },
];

/** The numbers of a text, each once; `name` is the name of the field that holds it. Linear in the text. */
export function findPersonalNumbers(text: string, name = ''): PersonalNumber[] {
  const found = new Map<string, PersonalNumber>();
  const words = name.replaceAll('_', ' ');
  for (const shape of SHAPES) {
    const named = shape.word?.test(words) === true;
    if (shape.word !== undefined && !named && !shape.word.test(text)) continue;
    for (const match of text.matchAll(shape.expression)) {
      if (found.size >= NUMBERS_MAX) return [...found.values()];
      const value = match[0].replace(/[^A-Za-z0-9]/g, '');
      if (found.has(value) || shape.holds?.(value) === false) continue;
      if (shape.word !== undefined && !named && !hasWordBefore(text, match.index, shape.word)) continue;
      found.set(value, { group: shape.group, value });
    }
  }
  return [...found.values()];
}

function hasWordBefore(text: string, at: number, word: RegExp): boolean {
  return word.test(text.slice(Math.max(0, at - WORD_CHARS), at));
}

/** Whether a number begins and is as long as the cards of some network. */
function isCard(digits: string): boolean {
  if (/^(\d)\1*$/.test(digits)) return false;
  const { length } = digits;
  if (digits.startsWith('4')) return length === 16 || length === 13 || length === 19;
  if (/^(?:5[1-5]|2(?:2[2-9]|[3-6]|7[01]|720))/.test(digits)) return length === 16;
  if (/^3[47]/.test(digits)) return length === 15;
  if (/^3(?:0[0-5]|[689])/.test(digits)) return length === 14;
  if (/^35/.test(digits)) return length === 16;
  return /^6(?:011|4[4-9]|5|2)/.test(digits) && length >= 16;
}
