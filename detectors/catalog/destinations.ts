/** Which parameters say where something goes. */
import { holdsWord, wordSet, wordsOf } from './words.ts';

const DESTINATION =
  wordSet(`to recipient receiver cc bcc url uri link href host hostname domain endpoint webhook callback
  email mail address channel user account acct iban phone mobile tel remote destination dest target payee beneficiary
  participant attendee invitee guest member contact site website page peer forward server origin ip card number room`);
/** Where something comes from, or what it says, is no destination even if the name also holds one of the words above. */
const ORIGIN = wordSet('from sender source src own my');
const BODY = wordSet(
  'body content text subject title description query message note comment html markdown template summary',
);
const ACCOUNT = wordSet('account acct iban payee beneficiary card routing recipient to');
const PHONE = wordSet('phone mobile tel telephone cell fax sms number to recipient');

/** What a parameter's name says about the values it holds. */
export interface ParameterRole {
  destination: boolean;
  /** Bare digits in it may be an account, or a phone number. */
  account: boolean;
  phone: boolean;
}

const NAMES_CACHED_MAX = 10_000;
const cache = new Map<string, ParameterRole>();

/** The role of a parameter by its name; the cache holds only what the name alone decides. */
export function parameterRole(name: string): ParameterRole {
  const cached = cache.get(name);
  if (cached !== undefined) return cached;
  const words = wordsOf(name);
  const role = {
    destination: holdsWord(words, DESTINATION) && !holdsWord(words, ORIGIN) && !holdsWord(words, BODY),
    account: holdsWord(words, ACCOUNT),
    phone: holdsWord(words, PHONE),
  };
  if (cache.size >= NAMES_CACHED_MAX) cache.clear();
  cache.set(name, role);
  return role;
}
