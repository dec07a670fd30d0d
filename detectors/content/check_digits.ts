/** Check digits of numbers that name a person or an account. Each takes digits, and letters where they belong, alone. */

/** Luhn, as payment cards and some national numbers have it. */
export function luhnHolds(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at]);
    const counted = at % 2 === 0 ? digit : digit * 2;
    sum += counted > 9 ? counted - 9 : counted;
  }
  return digits.length > 1 && sum % 10 === 0;
}

/** The sum of digits times weights. */
function weighted(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * Number(digits[at]), 0);
}

const DNI_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE';

/** Spain: eight digits, or X, Y, Z and seven, and a letter. */
export function dniHolds(dni: string): boolean {
  const digits = dni.slice(0, -1).replace('X', '0').replace('Y', '1').replace('Z', '2');
  return DNI_LETTERS[Number(digits) % 23] === dni.at(-1);
}

const FISCAL_ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/** Italy: sixteen letters and digits, the last one the check. */
export function codiceFiscaleHolds(code: string): boolean {
  let sum = 0;
  for (let at = 0; at < 15; at++) {
    const unit = code.charCodeAt(at);
    const value = unit < 65 ? unit - 48 : unit - 65;
    sum += at % 2 === 0 ? (FISCAL_ODD[value] ?? 0) : value;
  }
  return code.charCodeAt(15) - 65 === sum % 26;
}

/** France: thirteen digits and a key of two; Corsica writes 2A or 2B. */
export function nirHolds(nir: string): boolean {
  const digits = nir.replace('2A', '19').replace('2B', '18');
  return 97n - (BigInt(digits.slice(0, 13)) % 97n) === BigInt(digits.slice(13));
}

/** Belgium: nine digits and a key of two; who was born since 2000 has a 2 before them. */
export function rijksregisterHolds(digits: string): boolean {
  const number = Number(digits.slice(0, 9));
  const key = Number(digits.slice(9));
  return 97 - (number % 97) === key || 97 - ((number + 2_000_000_000) % 97) === key;
}

/** Finland: date and running number without the sign between them, and a check character. */
export function hetuHolds(digits: string, check: string): boolean {
  return '0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(digits) % 31] === check;
}

/** Switzerland: thirteen digits as EAN-13. */
export function ahvHolds(digits: string): boolean {
  const sum = weighted(digits, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
  return (10 - (sum % 10)) % 10 === Number(digits[12]);
}

/** Brazil: nine digits and two checks. */
export function cpfHolds(digits: string): boolean {
  if (/^(\d)\1*$/.test(digits)) return false;
  const check = (length: number): number => {
    const weights = Array.from({ length }, (_, at) => length + 1 - at);
    return ((weighted(digits, weights) * 10) % 11) % 10;
  };
  return check(9) === Number(digits[9]) && check(10) === Number(digits[10]);
}

/** China: seventeen digits and a check of ISO 7064 mod 11-2. */
export function residentIdHolds(id: string): boolean {
  const sum = weighted(id, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
  return '10X98765432'[sum % 11] === id[17];
}

/** Germany, tax number: eleven digits, ISO 7064 mod 11,10. */
export function steuerIdHolds(digits: string): boolean {
  let product = 10;
  for (const digit of digits.slice(0, 10)) {
    const sum = (Number(digit) + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - product) % 10 === Number(digits[10]);
}

/** Poland: eleven digits. */
export function peselHolds(digits: string): boolean {
  return (10 - (weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === Number(digits[10]);
}

/** The Netherlands: nine digits. */
export function bsnHolds(digits: string): boolean {
  return weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 && digits !== '000000000';
}

/** England, health service: ten digits. */
export function nhsHolds(digits: string): boolean {
  return (11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === Number(digits[9]);
}

/** Germany, health insurance: a letter and nine digits. */
export function kvnrHolds(number: string): boolean {
  const letter = String(number.charCodeAt(0) - 64).padStart(2, '0');
  let sum = 0;
  [...`${letter}${number.slice(1, 9)}`].forEach((digit, at) => {
    const product = Number(digit) * (at % 2 === 0 ? 1 : 2);
    sum += product > 9 ? product - 9 : product;
  });
  return sum % 10 === Number(number[9]);
}

const DIHEDRAL = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
];
const PERMUTED = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
];

/** India: twelve digits, Verhoeff. */
export function aadhaarHolds(digits: string): boolean {
  let check = 0;
  [...digits].reverse().forEach((digit, at) => {
    check = Number(DIHEDRAL[check]?.[Number(PERMUTED[at % 8]?.[Number(digit)])]);
  });
  return check === 0;
}
