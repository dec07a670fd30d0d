/** The words in the names of tools and parameters, and what a tool's verb says about what it does. */

export type VerbClass = 'read' | 'fetch' | 'send' | 'write' | 'destroy' | 'execute' | 'remember' | 'authenticate';

const VERBS: Record<VerbClass, string> = {
  read: `get read list search find query lookup look view show describe retrieve load check count summarize analyze
    inspect select status extract parse calculate compute convert translate compare validate verify filter sort rank
    preview explain recommend suggest monitor watch detect measure is has current`,
  fetch: 'fetch download browse visit open navigate goto crawl scrape curl request connect clone pull',
  send: `send email mail post publish forward share upload push submit notify message reply respond transmit broadcast
    tweet dispatch call dial text sms invite export sync webhook ping transfer pay wire remit refund deposit withdraw
    donate ship deliver announce charge payout`,
  write: `create add update write edit set insert append modify put patch save rename move copy schedule book reserve
    change replace merge commit assign enable register make upsert generate import configure mark apply order buy
    purchase subscribe turn lock unlock approve draft attach tag label start stop pin react link`,
  destroy:
    'delete remove drop destroy purge truncate cancel terminate kill wipe revoke reset uninstall erase disable clear',
  execute: 'run execute exec eval spawn invoke launch shell bash compile deploy install',
  remember: 'remember memorize memorise memorized',
  authenticate: 'login logon signin authenticate authorize authorise grant impersonate',
};

const OFTEN_NOUNS =
  wordSet(`email mail message text call sms post order book link tag label draft schedule charge transfer
  request ship wire webhook export import pin lock has is current measure mark filter sort rank watch monitor tweet
  display shell bash update change`);

const CLASS_OF = new Map(
  Object.entries(VERBS).flatMap(([verb_class, words]) =>
    words.split(/\s+/).map((word) => [word, verb_class as VerbClass] as const),
  ),
);

const NAME_CHARS_MAX = 256;

/** The lower-case words of a name in camelCase, snake_case, kebab-case or with dots and slashes. */
export function wordsOf(name: string): string[] {
  return name
    .slice(0, NAME_CHARS_MAX)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

/** The possible base forms of a word, nearest first: `sending` -> send, `copies` -> copy, `notified` -> notify. */
function stemsOf(word: string): string[] {
  const stems = [word];
  for (const [ending, instead] of ENDINGS) {
    if (!word.endsWith(ending) || word.length - ending.length < 2) continue;
    const base = word.slice(0, -ending.length);
    stems.push(base + instead);
    // sharing -> share, submitting -> submit
    if (ending !== 's') stems.push(`${base}e`);
    if (ending !== 's' && base.at(-1) === base.at(-2)) stems.push(base.slice(0, -1));
  }
  return stems;
}

const ENDINGS = [
  ['ies', 'y'],
  ['ied', 'y'],
  ['es', ''],
  ['s', ''],
  ['ing', ''],
  ['ed', ''],
] as const;

/**
 * The class of a tool's first verb, or undefined when its name holds none that we know. A word that may as well be a
 * noun counts only when no clear verb is there: `email_search` searches.
 */
export function verbClassOf(words: readonly string[]): VerbClass | undefined {
  let doubtful: VerbClass | undefined;
  for (const word of words) {
    for (const stem of stemsOf(word)) {
      const verb_class = CLASS_OF.get(stem);
      if (verb_class === undefined) continue;
      if (!OFTEN_NOUNS.has(stem)) return verb_class;
      doubtful ??= verb_class;
      break;
    }
  }
  return doubtful;
}

/** Whether one of the words, or its base form, is in the set. */
export function holdsWord(words: readonly string[], set: ReadonlySet<string>): boolean {
  return words.some((word) => stemsOf(word).some((stem) => set.has(stem)));
}

/** A set from a list of words in one text. */
export function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.trim().split(/\s+/));
}
