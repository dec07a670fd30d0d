/**
 * The words by which a sentence is known to order something of its reader: verbs of dropping, telling and sending,
 * nouns for instructions, tasks and principals, and the small words between them. Each belongs to one or more classes;
 * what a class means for an injection is decided where sentences are judged, never here.
 */

// The first bank: classes that patterns start from or look for often.
export const DROP = 1 << 0;
export const NOT = 1 << 1;
export const FOLLOW = 1 << 2;
export const INSTRUCTION = 1 << 3;
export const RULE = 1 << 4;
export const PRIOR = 1 << 5;
/** What a language model is called, by kind or by name. */
export const MODEL = 1 << 6;
/** Words that name a model's part, or a person's. */
export const HELPER = 1 << 7;
export const YOU = 1 << 8;
export const GREETING = 1 << 9;
export const WHEN = 1 << 10;
export const TASK = 1 << 11;
export const DO = 1 << 12;
export const GIVE = 1 << 13;
export const TELL = 1 << 14;
export const USER = 1 << 15;
export const QUIET = 1 << 16;
export const LEAVE = 1 << 17;
export const TOOL = 1 << 18;
export const CALL = 1 << 19;
export const SEND = 1 << 20;
export const SECRET = 1 << 21;
export const URGENT = 1 << 22;
export const SYSTEM = 1 << 23;
export const PERSONA = 1 << 24;
export const OUTPUT = 1 << 25;
export const ME = 1 << 26;
export const NEW = 1 << 27;
export const MUST = 1 << 28;
/** What a model has of a conversation. */
export const DIALOGUE = 1 << 29;
export const GRANTED = 1 << 30;

// The second bank: words that decide between readings once a pattern has begun.
export const LIMIT = 1 << 0;
export const READING = 1 << 1;
export const VOID = 1 << 2;
export const THIS = 1 << 3;
export const FROM = 1 << 4;
export const TOWARDS = 1 << 5;
export const IF = 1 << 6;
export const BE = 1 << 7;
export const NOW = 1 << 8;
export const ONLY = 1 << 9;
export const ANY = 1 << 10;
export const KNOW = 1 << 11;
export const HIDE = 1 << 12;
export const MODE = 1 << 13;
export const SAVE = 1 << 14;
/** Words that make rules a model's own. */
export const OWN = 1 << 15;
export const ADD = 1 << 16;
export const NOTICE = 1 << 17;
export const LIKE = 1 << 18;
export const HAVE = 1 << 19;
export const NEED = 1 << 20;
export const AGENT = 1 << 21;
export const LEAK = 1 << 22;
export const ROLE = 1 << 23;
export const FUTURE = 1 << 26;
export const KEY = 1 << 24;
/** What makes a key one that opens something. */
export const KEY_KIND = 1 << 25;

type Entry = readonly [first: number, second: number, words: string];

const ENTRIES: readonly Entry[] = [
  [DROP, 0, 'ignore disregard forget override overrule neglect discard bypass circumvent ignoring disregarding'],
  [DROP, 0, 'ignoriere ignorieren ignoriert vergiss vergessen missachte ignorez oublie oubliez ignora ignorar olvida'],
  [DROP, 0, 'olvide olvidar ignorare dimentica esqueca negeer vergeet zignoruj'],
  [NOT, 0, 'not never dont doesnt shouldnt mustnt wont cannot cant no nor stop avoid refrain without'],
  [FOLLOW, 0, 'follow obey comply adhere heed following obeying'],
  [INSTRUCTION, 0, 'instruction instructions prompt prompts directive directives guideline guidelines programming'],
  [INSTRUCTION, 0, 'anweisung anweisungen instruktionen vorgaben instruccion instrucciones indicaciones consignes'],
  [INSTRUCTION, 0, 'istruzioni instrucoes instructies instrukcje polecenia richtlinien systemanweisungen'],
  [RULE, 0, 'rule rules command commands context policy policies everything directions guidance duties constraints'],
  [
    RULE,
    LIMIT,
    'limits constraint constraints restriction restrictions limitation limitations safeguard safeguards guardrail',
  ],
  [RULE, LIMIT, 'rules policy policies'],
  [RULE, LIMIT, 'guardrails filter filters censorship boundaries'],
  [PRIOR, 0, 'previous previously prior above earlier preceding former initial original existing foregoing past'],
  [PRIOR, 0, 'vorherigen vorherige vorigen bisherigen obigen fruheren anteriores anterior previas previos precedentes'],
  [PRIOR, 0, 'precedenti eerdere bovenstaande poprzednie'],
  [MODEL, 0, 'ai ais llm llms chatgpt gpt claude gemini copilot llama chatbot chatbots mistral deepseek qwen grok'],
  [HELPER, 0, 'assistant assistants model models bot bots'],
  [HELPER, AGENT, 'agent agents'],
  [YOU, 0, 'you your yours yourself youre youve youll deine deinen deiner ton tes votre vos tus tue tuoi seus suas'],
  [GREETING, 0, 'dear hey hello hi attention attn'],
  [GREETING, NOTICE, 'note notice message reminder memo hint'],
  [0, NOTICE, 'notification announcement alert update request'],
  [WHEN, 0, 'before after until once first instead while when then'],
  [
    TASK,
    0,
    'task tasks question questions query queries request requests job assignment assignments objective objectives goal goals mission',
  ],
  [DO, 0, 'complete completing completed finish finishing solve solving answer answering continue continuing proceed'],
  [
    DO,
    0,
    'proceeding respond responding reply replying perform performing execute executing process processing resume',
  ],
  [DO, 0, 'resuming return returning do doing fulfil fulfill fulfilling handle handling start starting begin'],
  [GIVE, 0, 'gave given asked assigned told requested instructed ordered wants'],
  [
    TELL,
    0,
    'tell telling inform informing mention mentioning notify notifying alert alerting reveal revealing disclose',
  ],
  [TELL, 0, 'disclosing show showing ask asking confirm confirming warn warning explain explaining acknowledge'],
  [TELL, 0, 'informed notified shown alerted discuss'],
  [USER, 0, 'user users human humans owner operator principal'],
  [QUIET, 0, 'silently secretly covertly quietly discreetly stealthily unnoticed invisibly'],
  [LEAVE, 0, 'permission confirmation approval consent knowledge awareness authorization authorisation verification'],
  [TOOL, 0, 'tool tools function functions plugin plugins'],
  [CALL, 0, 'call use invoke run execute trigger launch calling using invoking running executing'],
  [SEND, 0, 'send post upload forward email mail include append attach transmit submit share provide give copy paste'],
  [SEND, 0, 'sending forwarding posting uploading transfer'],
  [
    SEND,
    LEAK,
    'exfiltrate leak reveal print output repeat dump disclose expose encode verrate revele revelez revela rivela muestra',
  ],
  [
    SECRET,
    0,
    'password passwords passwd passphrase passcode pwd credential credentials secret secrets apikey accesstoken',
  ],
  [
    SECRET,
    0,
    'token tokens cookie cookies bearer ghp gho ghu ghs ghr glpat xoxb xoxp xoxa xoxe xoxo xoxr xoxs sk rk ya',
  ],
  [URGENT, 0, 'important urgent critical immediately immediate mandatory priority warning attention essential asap'],
  [SYSTEM, 0, 'system developer developers admin administrator root openai anthropic'],
  [
    PERSONA,
    0,
    'pretend roleplay act behave simulate impersonate jailbreak jailbroken unrestricted uncensored dan persona',
  ],
  [OUTPUT, 0, 'response responses reply replies answer answers output summary summaries'],
  [0, FUTURE, 'future subsequent'],
  [ME, 0, 'i me my im ive we us our'],
  [NEW, 0, 'new updated revised real actual true additional hidden next'],
  [MUST, 0, 'must should shall required need needs have mandatory ensure'],
  [GRANTED, 0, 'authorized authorised approved preapproved permitted allowed consented agreed confirmed granted'],
  [
    0,
    READING,
    'reading processing parsing viewing summarizing summarising analyzing analysing scanning handling browsing',
  ],
  [0, READING, 'crawling reviewing evaluating indexing accessing reads integrating installing visiting interacting'],
  [
    0,
    VOID,
    'void invalid supersede supersedes overrides replaces cancelled canceled revoked superseded obsolete outdated overridden suspended',
  ],
  [0, THIS, 'this these it that'],
  [0, FROM, 'from'],
  [0, TOWARDS, 'to for'],
  [0, IF, 'if'],
  [0, BE, 'are is am be were was'],
  [0, NOW, 'now'],
  [0, ONLY, 'only exactly solely nothing'],
  [0, ANY, 'all any every anything everything else alle toutes todas todos tutte tutti'],
  [0, KNOW, 'know knowing see notice aware realize realise suspect'],
  [0, HIDE, 'hide conceal keep'],
  [0, MODE, 'mode enabled activated'],
  [DIALOGUE, 0, 'conversation history memory chat session transcript dialogue context'],
  [0, SAVE, 'save store remember persist record write add'],
  [0, OWN, 'safety ethical ethics content internal core'],
  [0, ADD, 'include append add contain contains begin start end finish mention insert'],
  [0, LIKE, 'as like'],
  [0, HAVE, 'has have had'],
  [0, NEED, 'need necessary'],
  [0, ROLE, 'role'],
  [0, KEY, 'key keys'],
  [0, KEY_KIND, 'api access private signing encryption ssh'],
];

interface Word {
  first: number;
  second: number;
}

const words = new Map<string, Word>();
for (const [first, second, list] of ENTRIES) {
  for (const text of list.split(' ')) {
    const known = words.get(text);
    words.set(text, { first: first | (known?.first ?? 0), second: second | (known?.second ?? 0) });
  }
}

const ids = [...words.keys()];

/** Classes of the first bank by word id; id 0 is no word. */
export const FIRST = Int32Array.from([0, ...ids.map((id) => words.get(id)?.first ?? 0)]);
/** Classes of the second bank by word id. */
export const SECOND = Int32Array.from([0, ...ids.map((id) => words.get(id)?.second ?? 0)]);

/** Slots of the table of words; a power of two, several times their number. */
const SLOTS = 8_192;
const KEYS = new Int32Array(SLOTS);
const LENGTHS = new Uint8Array(SLOTS);
const IDS = new Uint16Array(SLOTS);

/** The key of a word one letter longer; letters count from 0 to 25. Words of up to six letters have keys of their own. */
export function nextKey(key: number, letter: number): number {
  return (Math.imul(key, 33) + letter + 1) | 0;
}

/** The id of the word with a key and length, or 0. */
export function wordWith(key: number, length: number): number {
  for (let slot = slotOf(key); IDS[slot] !== 0; slot = (slot + 1) & (SLOTS - 1)) {
    if (KEYS[slot] === key && LENGTHS[slot] === length) return IDS[slot] as number;
  }
  return 0;
}

function slotOf(key: number): number {
  return (key ^ (key >>> 13)) & (SLOTS - 1);
}

ids.forEach((text, at) => {
  let key = 0;
  for (const letter of text) key = nextKey(key, letter.charCodeAt(0) - 97);
  let slot = slotOf(key);
  while (IDS[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
  KEYS[slot] = key;
  LENGTHS[slot] = text.length;
  IDS[slot] = at + 1;
});
