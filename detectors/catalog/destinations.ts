/** Which parameters say where something goes. */
import type { ToolProfile } from './capability.ts';
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

/**
 * The role of a parameter of a known tool: its name decides, and beside it what a data file or the tool's own schema
 * says of it. `path` is the parameter's place, such as `message.to[0]`; neither can take a destination away.
 */
export function parameterRoleIn(tool: ToolProfile, name: string, path: string): ParameterRole {
  const role = parameterRole(name);
  const { destinations } = tool;
  if (role.destination || destinations === undefined) return role;
  const named = destinations.has(name) || destinations.has(path.includes('[') ? path.replace(/\[\d+\]/g, '') : path);
  if (!named) return role;
  return AS_DESTINATION[(role.account ? 1 : 0) + (role.phone ? 2 : 0)] ?? role;
}

/** The roles that a destination may have beside, made once. */
const AS_DESTINATION: readonly ParameterRole[] = [0, 1, 2, 3].map((sum) => ({
  destination: true,
  account: (sum & 1) !== 0,
  phone: (sum & 2) !== 0,
}));
