/** Letters of other scripts, and styled ones, that a reader takes for Latin ones. */

/** Each letter is followed by the Latin one it looks like. */
const CYRILLIC = 'аaсcԁdеeһhіiјjӏlоoрpԛqѕsуyхxѵvԝwАAВBСCЕEНHІIЈJКKМMОOРPЅSТTХXУYѴVԜWԌGԚQӀI';
const ARMENIAN = 'օoսuհhոnցgզqՕOՏSԼL';
const GREEK_CAPITALS = 'ΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϹC';
/** Greek letters that formulas and names of substances mix with Latin ones; read as Latin, but no finding. */
const GREEK_SMALL = 'αaνvιiκkρpτtυuχxγyηnεeωwϲc';
const LATIN = 'ıiɑaɡgɩiɪiʏyɴnʀrʟlʜhɢgʙbᴀaᴄcᴅdᴇeᴊjᴋkᴍmᴏoᴘpᴛtᴜuᴠvᴡwᴢzꜰfꜱs';
const CYRILLIC_WEAK = 'кkтtмmнh';

const STRICT = tableOf(`${CYRILLIC}${ARMENIAN}${GREEK_CAPITALS}οo`);
const LOOSE = tableOf(`${GREEK_SMALL}${LATIN}${CYRILLIC_WEAK}`);

function tableOf(pairs: string): Map<number, string> {
  const table = new Map<number, string>();
  for (let at = 0; at < pairs.length; at += 2) table.set(pairs.charCodeAt(at), pairs.charAt(at + 1));
  return table;
}

/** The Latin letter that a letter of another script stands for in a forged word, or undefined. */
export function latinTwin(code: number): string | undefined {
  return STRICT.get(code);
}

const STYLED_CACHED_MAX = 4_096;
const styled_cache = new Map<number, string | undefined>();

/** What a character reads as: its compatibility form, or the Latin letter it looks like; undefined when it stays. */
export function readsAs(point: number): string | undefined {
  const twin = STRICT.get(point) ?? LOOSE.get(point);
  if (twin !== undefined) return twin;
  if (styled_cache.has(point)) return styled_cache.get(point);
  if (styled_cache.size >= STYLED_CACHED_MAX) styled_cache.clear();
  const plain = unstyled(point);
  styled_cache.set(point, plain);
  return plain;
}

function unstyled(point: number): string | undefined {
  // White letters on black circles and squares have no compatibility form.
  for (const first of [0x1f150, 0x1f170]) {
    if (point >= first && point < first + 26) return String.fromCharCode(65 + point - first);
  }
  const char = String.fromCodePoint(point);
  const plain = char.normalize('NFKC');
  return plain !== char && /^[\x20-\x7e]+$/.test(plain) ? plain : undefined;
}

/** Whether a letter belongs to the scripts whose letters have Latin twins. */
export function isTwinScript(code: number): boolean {
  return code >= 0x370 && code < 0x590;
}
