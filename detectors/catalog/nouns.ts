/** The nouns in the names of tools, by what they say about the data that a tool reads or changes. */
import { holdsPair, holdsWord, wordSet } from './words.ts';

const SECRET = wordSet(
  'secret credential password passwd passphrase apikey keychain keyring vault env envvar totp otp keytab kubeconfig',
);
const SECRET_PAIRS = wordSet(`api_key access_key private_key ssh_key secret_key signing_key encryption_key master_key
  recovery_code backup_code env_var environment_variable connection_string service_account access_token api_token
  auth_token bearer_token refresh_token session_token id_token security_code`);
const TOKEN = wordSet('token');
/** With these beside it, a token is a piece of text or a coin. */
const TOKEN_OF_TEXT = wordSet(`count usage limit budget price text balance swap mint holder contract page next cursor
  max estimate transfer coin market pool stake`);
/** Only what a secret is called or when it changed. */
const ABOUT_SECRET = wordSet('name metadata policy count status version expiry usage strength requirement rotation');
const MAKES = wordSet('create generate issue make');
const NOTE_VAULT = wordSet('note file folder page markdown daily tag');

const SENSITIVE = wordSet(`patient medical diagnosis diagnoses prescription medication allergy symptom vaccination
  immunization immunisation clinical therapy counsellor counselor psychiatric pregnancy genome glucose insurance
  payroll salary wage compensation employee personnel staff candidate applicant resume cv appraisal absence
  customer resident citizen pupil student passenger beneficiary
  transaction statement balance bank banking tax invoice loan mortgage portfolio holding paycheck wallet debt claim
  passport ssn birthdate biometric fingerprint contact phone personal pii private confidential
  footage occupancy geolocation
  inbox mailbox email mail voicemail sms dm whatsapp
  legal lawsuit nda contract settlement`);
const SENSITIVE_PAIRS = wordSet(`lab_result test_result heart_rate blood_type blood_pressure health_record
  health_data medical_record sleep_data direct_message source_code audit_log credit_card credit_score bank_account
  card_number social_security driver_license date_birth background_check criminal_record call_log browsing_history
  search_history location_history home_address billing_address shipping_address mailing_address postal_address
  email_address user_profile user_data reader_profile camera_snapshot camera_image live_location`);
/** In a home, what a device saw or who came is private; that the device exists is not. */
const HOME = wordSet('lock door camera doorbell alarm garage motion gate window');
const HOME_RECORD = wordSet('history log snapshot clip recording footage event code pin presence image video');

const DATA = wordSet('database db sql table row record collection warehouse dataset');
const DATA_CONTENT_VERB = wordSet('query select dump read fetch scan sample search find get load view');
const ONLY_SHAPE = wordSet('schema column definition index name count size list structure metadata');

/** What others may have written: whoever lists it reads it. */
const WRITTEN = wordSet(`web webpage website internet email mail inbox message voicemail sms chat issue comment review
  ticket post tweet timeline article feed news forum thread feedback transcript wiki minutes readme discussion
  conversation memory memories recollection incident notification mention submission task diff commit patch`);
/** What others may have written, in tools that open it and not only name it. */
const WRITTEN_IF_OPENED = wordSet(
  'page url site channel doc document file event calendar attachment log note paper book pull request response content',
);
/** What is only told about such text. */
const ABOUT_WRITTEN = wordSet(`type status label field date link metadata category tag template permission restriction
  view count folder info sla dev watcher statistic`);
/** In a description these words are often about something else: an error message, the number of a page. */
const WEAK_IN_TEXT = wordSet(
  'message post page thread feed memory issue search file log note content event book mail task commit request response notification',
);

const WEB = wordSet('http https url uri webpage link curl wget');
const PAGE = wordSet('web page website site content html markdown feed rss remote internet online domain host');
const FILE = wordSet('file folder document doc workbook sheet spreadsheet directory notebook');
const PROGRAM = wordSet('function service tool api method actor procedure endpoint lambda rpc aws action');
const QUESTION = wordSet('comment incident issue ticket alert thread conflict dispute task case');
const CODE = wordSet(`code script command shell bash python javascript js node ruby perl powershell terminal process
  program notebook cell container docker pod lambda function macro workflow pipeline build job kernel sandbox
  snippet expression eval cmd package npm pip test binary sql`);
const QUERY = wordSet('sql query database db');
const PERSIST =
  wordSet(`cron crontab startup autostart daemon scheduler scheduled recurring launchd systemd hook webhook
  trigger autorun rule filter automation autoreply autoresponder forwarding standing`);
const PERSIST_PAIRS = wordSet('auto_reply auto_forward auto_start login_item standing_order ssh_key scheduled_task');
const OUTWARD = wordSet('webhook forwarding forwarder');
/** Writing these speaks to others. */
const SPEECH = wordSet('comment message reply announcement tweet poll invitation notification');
const SPEAKS = wordSet('create add write edit update schedule make compose');
const MONEY_OUT = wordSet('payout payment transfer remittance refund donation withdrawal');
const NOT_MONEY_OUT = wordSet('link method plan intent term schedule reminder');
const MEMORY = wordSet('memory memories recollection knowledge');
const MACHINE_MEMORY = wordSet('limit usage size heap ram gb mb allocation vm gpu leak profile');
const ACCESS = wordSet(`auth oauth permission role scope consent mfa password credential grant acl access collaborator
  privilege membership ownership certificate sso iam entitlement secret`);
const ACCESS_PAIRS = wordSet(
  'access_token api_token api_key ssh_key access_key service_account user_group access_list auth_token',
);
const PERSON = wordSet('user member admin administrator collaborator guest moderator owner');
const CHANGES_PERSON = wordSet('create add invite remove delete register manage');

/** Whether a name speaks of a secret itself, not of its name or of a piece of text. */
export function namesSecret(words: readonly string[]): boolean {
  if (holdsWord(words, ABOUT_SECRET)) return false;
  if (holdsPair(words, SECRET_PAIRS)) return true;
  if (holdsWord(words, TOKEN)) return !holdsWord(words, TOKEN_OF_TEXT) && !words.includes('tokenize');
  return holdsWord(words, SECRET) && !(words.includes('vault') && holdsWord(words, NOTE_VAULT));
}

/** Whether a tool hands out a new key or token. */
export function makesSecret(words: readonly string[], verb: string): boolean {
  return MAKES.has(verb) && holdsPair(words, SECRET_PAIRS);
}

/** Whether a name or a description speaks of private data: of health, staff, money, identity, the home, mail or law. */
export function namesSensitive(words: readonly string[]): boolean {
  if (holdsWord(words, SENSITIVE) || holdsPair(words, SENSITIVE_PAIRS)) return true;
  return holdsWord(words, HOME) && holdsWord(words, HOME_RECORD);
}

/** Whether a reading tool reads what a data store holds, and not only its shape. */
export function readsData(words: readonly string[], verb: string): boolean {
  if (verb === 'run' || verb === 'execute') return holdsWord(words, QUERY);
  return holdsWord(words, DATA) && DATA_CONTENT_VERB.has(verb) && !holdsWord(words, ONLY_SHAPE);
}

/** Whether the words of a name speak of text that others may have written. */
export function namesWritten(words: readonly string[], verb: string): boolean {
  if (holdsWord(words, MEMORY) && holdsWord(words, MACHINE_MEMORY)) return false;
  if (words.length > 1 && holdsWord(words.slice(-1), ABOUT_WRITTEN)) return false;
  if (holdsWord(words, WRITTEN) || (words.length === 1 && verb === 'search')) return true;
  return verb !== 'list' && verb !== 'count' && holdsWord(words, WRITTEN_IF_OPENED);
}

/** The same for the words of a description, where everyday words say less. */
export function textNamesWritten(words: readonly string[]): boolean {
  return words.some((word) => holdsWord([word], WRITTEN) && !holdsWord([word], WEAK_IN_TEXT));
}

/** Whether the words name an address on the web. */
export function namesWeb(words: readonly string[]): boolean {
  return holdsWord(words, WEB);
}

/** Whether the words name something that is fetched from the web. */
export function namesPage(words: readonly string[]): boolean {
  return holdsWord(words, WEB) || holdsWord(words, PAGE);
}

/** Whether the words name something on disk. */
export function namesFile(words: readonly string[]): boolean {
  return holdsWord(words, FILE);
}

/** Whether a call is one of a program and not of a person. */
export function namesProgram(words: readonly string[]): boolean {
  return holdsWord(words, PROGRAM);
}

/** Whether what is resolved is somebody's question and not a name. */
export function namesOpenQuestion(words: readonly string[]): boolean {
  return holdsWord(words, QUESTION);
}

/** Whether the words speak of code or commands; a tool called just `run` may run anything. */
export function namesCode(words: readonly string[]): boolean {
  return words.length === 1 || holdsWord(words, CODE);
}

/** Whether the words speak of a data store's query language. */
export function namesQuery(words: readonly string[]): boolean {
  return holdsWord(words, QUERY);
}

/** Whether what is made goes on by itself afterwards. */
export function namesPersistent(words: readonly string[]): boolean {
  return holdsWord(words.slice(1), PERSIST) || holdsPair(words, PERSIST_PAIRS);
}

/** Whether what is made speaks to others, carries data out later, or money now. */
export function namesOutward(words: readonly string[], verb: string): boolean {
  if (holdsWord(words, OUTWARD)) return true;
  if (SPEAKS.has(verb) && holdsWord(words, SPEECH) && !words.includes('draft')) return true;
  return holdsWord(words, MONEY_OUT) && !holdsWord(words, NOT_MONEY_OUT);
}

/** Whether the words speak of the agent's memory, not the machine's. */
export function namesMemory(words: readonly string[]): boolean {
  return holdsWord(words, MEMORY) && !holdsWord(words, MACHINE_MEMORY);
}

/** Whether a change is one of permissions, credentials or who may come in. */
export function namesAccess(words: readonly string[], verb: string): boolean {
  if (holdsWord(words, ACCESS) || holdsPair(words, ACCESS_PAIRS)) return true;
  return CHANGES_PERSON.has(verb) && holdsWord(words, PERSON);
}
