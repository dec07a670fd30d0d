/** One spelling for each value, so that the same address is found again however it is written. */

export type ValueKind = 'email' | 'host' | 'account' | 'phone';

const HOST_CHARS_MAX = 253;

/** The host of a URL or of a bare `host/path`, in lower case without `www.`, or undefined when there is none. */
export function hostOf(text: string): string | undefined {
  const candidate = text.includes('://') ? text : `http://${text}`;
  try {
    // The URL parser decides, as it does in the tool: user names before an @, escapes and odd number forms are resolved.
    const host = new URL(candidate).hostname
      .toLowerCase()
      .replace(/\.+$/, '')
      .replace(/^www\./, '');
    return host === '' || host.length > HOST_CHARS_MAX ? undefined : host;
  } catch {
    return undefined;
  }
}

/** Capital letters and digits only. */
export function normaliseAccount(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, '').toUpperCase();
}

/** The last ten digits: a country prefix is written or left out at will. */
export function normalisePhone(text: string): string {
  return text.replace(/\D/g, '').slice(-10);
}

/** A value as an analyst may read it: an account keeps its ends only, everything else is cut to a length. */
export function previewOf(kind: ValueKind, value: string): string {
  if (kind === 'account') return `${value.slice(0, 4)}…${value.slice(-4)}`;
  return value.length > 80 ? `${value.slice(0, 79)}…` : value;
}

const IBAN_LENGTHS = new Map(
  `AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24
   FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32
   LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24
   RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30`
    .split(/\s+/)
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))] as const),
);

/** How long an IBAN of this text's country is, or undefined when no country writes IBANs so. */
export function ibanLength(text: string): number | undefined {
  return IBAN_LENGTHS.get(text.slice(0, 2).toUpperCase());
}

/** ISO 7064 mod-97 over a normalised IBAN. */
export function ibanHolds(iban: string): boolean {
  let rest = 0;
  for (const char of iban.slice(4) + iban.slice(0, 4)) {
    const digits = char >= 'A' ? char.charCodeAt(0) - 55 : Number(char);
    rest = (digits > 9 ? rest * 100 + digits : rest * 10 + digits) % 97;
  }
  return rest === 1;
}
