import { describe, expect, it } from 'vitest';
import * as check from './check_digits.ts';

// Numbers that the issuing offices, standards and card networks publish as examples.
describe.each([
  ['cards and Swedish numbers (Luhn)', check.luhnHolds, ['4111111111111111', '378282246310005', '8112189876'], 2],
  ['Spain', check.dniHolds, ['12345678Z', 'X1234567L'], 3],
  ['Italy', check.codiceFiscaleHolds, ['RSSMRA85T10A562S'], 7],
  ['France', check.nirHolds, ['255081416802538'], 4],
  ['Belgium', check.rijksregisterHolds, ['85073003328', '17073003384'], 3],
  ['Switzerland', check.ahvHolds, ['7569217076985'], 5],
  ['Brazil', check.cpfHolds, ['52998224725'], 3],
  ['China', check.residentIdHolds, ['11010519491231002X'], 4],
  ['Germany, tax', check.steuerIdHolds, ['86095742719', '47036892816'], 3],
  ['Poland', check.peselHolds, ['44051401359'], 3],
  ['the Netherlands', check.bsnHolds, ['111222333'], 2],
  ['England, health', check.nhsHolds, ['9434765919'], 3],
  ['Germany, health', check.kvnrHolds, ['A123456780'], 4],
  ['India', check.aadhaarHolds, ['999941057058', '2363'], 1],
] as const)('%s', (_country, holds, numbers, at) => {
  it.each(numbers)('accepts %s', (number) => {
    expect(holds(number)).toBe(true);
  });

  it.each(numbers)('refuses %s with one digit changed', (number) => {
    const digit = (Number(number[at]) + 1) % 10;
    expect(holds(`${number.slice(0, at)}${digit}${number.slice(at + 1)}`)).toBe(false);
  });
});

describe('Finland', () => {
  it('accepts the published example and no other check character', () => {
    expect(check.hetuHolds('131052308', 'T')).toBe(true);
    expect(check.hetuHolds('131052308', 'U')).toBe(false);
  });
});
