/** The words in the names of tools and parameters, and what a tool's verb says about what it does. */

export type VerbClass =
  | 'read'
  | 'fetch'
  | 'send'
  | 'write'
  | 'destroy'
  | 'execute'
  | 'remember'
  | 'forget'
  | 'authenticate'
  | 'administer';

const VERBS: Record<VerbClass, string> = {
  read: `get list read search find query lookup look view show describe retrieve load check count summarize summarise
    analyze analyse inspect select status extract parse calculate compute convert translate compare validate verify
    filter sort rank preview explain recommend suggest monitor watch detect measure is has current display discover
    explore examine download estimate evaluate recall resolve identify classify tokenize tokenise grep scan sample dump peek
    track plot predict forecast lint diff stat info whoami transcribe ocr geocode ask ping observe wait hover research
    rerank aggregate debug test screenshot snapshot`,
  fetch: 'fetch browse visit navigate goto crawl scrape curl wget clone pull',
  send: `send email mail post publish forward share upload push submit notify message reply respond transmit broadcast
    tweet dispatch call dial text sms fax invite export sync webhook transfer pay wire remit refund deposit withdraw
    donate ship deliver announce charge payout rsvp`,
  write: `create add update write edit set insert append modify put patch save rename move copy schedule book reserve
    change replace merge commit assign enable register make upsert generate import configure mark apply order buy
    purchase subscribe turn lock unlock approve draft attach tag label start stop pin react link adjust arm disarm
    open close freeze unfreeze store upgrade downgrade rollback restart reboot restore backup archive unarchive mute
    unmute pause resume complete finish accept reject decline deny issue release renew refill fill click type press
    point play record upvote vote like rate follow manage do trigger scale provision deploy launch build rotate
    initialize initialise init mkdir activate deactivate toggle switch increase decrease raise lower log report fork retry dismiss
    checkout rollout overwrite capture expire finalize finalise confirm rebase leave block unblock interact act drag
    request undo redo`,
  destroy: `delete remove drop destroy purge truncate cancel terminate kill wipe erase disable clear uninstall rm rmdir
    unlink shred trash discard decommission deprovision format reset`,
  execute: `run execute exec eval spawn invoke shell bash zsh powershell compile install sudo script`,
  remember: 'remember memorize memorise',
  forget: 'forget',
  authenticate: 'connect login logon signin authenticate authorize authorise impersonate logout',
  administer: `grant revoke promote demote ban unban suspend chmod chown whitelist allowlist blocklist elevate
    onboard offboard`,
};

/** Words that may as well be a noun: they decide only when no clear verb is there. */
const OFTEN_NOUNS = wordSet(`email mail message text call sms post order book link tag label draft schedule charge
  transfer request ship wire webhook export import pin lock has is current measure mark filter sort rank watch monitor
  tweet display shell bash update change point play record vote like rate follow log report issue release store backup
  archive format script fill type press switch track plot forecast stat info fax deposit query diff sample scan dump
  status pull push trigger scale build like complete zsh clone copy deploy raise lower do close look request test screenshot snapshot capture
  block leave act fork research debug`);

/** Names of commands that are verbs only when nothing else stands in the name: a cat is an animal elsewhere. */
const COMMANDS: Record<string, VerbClass> = {
  ls: 'read',
  dir: 'read',
  cat: 'read',
  head: 'read',
  tail: 'read',
  ps: 'read',
  cp: 'write',
  mv: 'write',
  dd: 'write',
  touch: 'write',
  del: 'destroy',
  sh: 'execute',
  cmd: 'execute',
  python: 'execute',
  ssh: 'execute',
};

/** Nouns that end the name of a tool which only tells: `kiln_temperature`. */
const TOLD = wordSet(`history detail stats statistic metric summary overview result note count total price quote
  weather temperature level reading balance usage version health uptime directory index inventory availability
  timetable calendar list profile forecast transcript menu catalog catalogue score ranking status info minutes log
  screenshot snapshot`);

/** Every kind of action. */
export const VERB_CLASSES = Object.keys(VERBS) as VerbClass[];

const CLASS_OF = new Map(
  Object.entries(VERBS).flatMap(([verb_class, words]) =>
    words
      .trim()
      .split(/\s+/)
      .map((word) => [word, verb_class as VerbClass] as const),
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

/** A verb found in a name: its base form, its class, and where it stands. */
export interface Verb {
  word: string;
  verb_class: VerbClass;
  at: number;
}

/**
 * The verbs of a name that count: the first clear one, or all clear ones where the name says `or` or `and`. A word that
 * may as well be a noun counts only when no clear verb is there: `email_search` searches.
 */
export function verbsOf(words: readonly string[]): Verb[] {
  const [only = ''] = words;
  const command = words.length === 1 && Object.hasOwn(COMMANDS, only) ? COMMANDS[only] : undefined;
  if (command !== undefined) return [{ word: only, verb_class: command, at: 0 }];
  const clear: Verb[] = [];
  const doubtful: Verb[] = [];
  words.forEach((word, at) => {
    if (nounAt(words, at)) return;
    const verb = verbAt(word, at);
    if (verb === undefined) return;
    // Further back a plural is a list of things: the messages of a console, the logs of a pod.
    const plural = at > 0 && word !== verb.word && word.endsWith('s');
    if (!OFTEN_NOUNS.has(verb.word)) clear.push(verb);
    else doubtful.push(plural ? { ...verb, verb_class: 'read' } : verb);
  });
  const several = words.includes('or') || words.includes('and');
  if (clear.length > 0) return several ? clear : clear.slice(0, 1);
  const last = words.at(-1);
  if (words.length > 1 && last !== undefined && stemsOf(last).some((stem) => TOLD.has(stem))) {
    const first = doubtful.find((verb) => verb.at === 0);
    return [first ?? { word: last, verb_class: 'read', at: words.length - 1 }];
  }
  return doubtful.slice(0, 1);
}

/** Whether a word that could be a verb is none here: the request of a pull request, a message marked as read. */
function nounAt(words: readonly string[], at: number): boolean {
  const word = words[at] ?? '';
  const [before = '', after = ''] = [words[at - 1], words[at + 1]];
  if (word === 'pull' || word === 'merge') return after.startsWith('request');
  if (word.startsWith('request')) return before === 'pull' || before === 'merge';
  return before === 'as';
}

/** The verb that a word is, if it is one; `unlabel` and `rerun` are known by what they undo or do again. */
function verbAt(word: string, at: number): Verb | undefined {
  for (const stem of stemsOf(word)) {
    const verb_class = CLASS_OF.get(stem);
    if (verb_class !== undefined) return { word: stem, verb_class, at };
  }
  if (/^un\w{3}/.test(word) && verbAt(word.slice(2), at) !== undefined) return { word, verb_class: 'write', at };
  const again = /^re\w{3}/.test(word) && word !== 'review' ? verbAt(word.slice(2), at) : undefined;
  return again === undefined || OFTEN_NOUNS.has(again.word) ? undefined : { ...again, at };
}

/** Whether one of the words, or its base form, is in the set. */
export function holdsWord(words: readonly string[], set: ReadonlySet<string>): boolean {
  return words.some((word) => stemsOf(word).some((stem) => set.has(stem)));
}

/** Whether two words that stand beside each other are in the set, as `lab_result`. */
export function holdsPair(words: readonly string[], set: ReadonlySet<string>): boolean {
  return words.some((word, at) => {
    const next = words[at + 1];
    return next !== undefined && stemsOf(next).some((stem) => set.has(`${word}_${stem}`));
  });
}

/** A set from a list of words in one text. */
export function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.trim().split(/\s+/));
}
