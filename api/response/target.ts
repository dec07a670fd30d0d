/** Where a subscription sends to: which URLs are taken, and which addresses they may lead to. */
import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { isPublicAddress } from './public_address.ts';

/** Takes the place of what the settings' `url_secret` holds, in a path. */
export const SECRET_PART = '{secret}';

/** Begins a target that is a mail address. */
export const MAILTO = 'mailto:';

const invalid = (why: string) => new AppError('query_invalid', `url: ${why}`);

/** `host`, or `host:port` where the URL names a port. */
export const hostOf = (url: URL): string => url.host.toLowerCase();

/** Whether the settings allow a host by name: with its port, or the name alone for all ports. */
export function isAllowed(url: URL, allowed: readonly string[]): boolean {
  return allowed.some((each) => each.toLowerCase() === hostOf(url) || each.toLowerCase() === url.hostname);
}

/** Checks the form of a URL. What it leads to is checked at each sending. Throws `query_invalid`. */
export function checkTarget(text: string, allowed: readonly string[]): void {
  if (text.length > LIMITS.uri_chars_max) throw invalid(`has at most ${LIMITS.uri_chars_max} characters`);
  if (!URL.canParse(text) || /[\u0000-\u0020\u007f]/.test(text)) throw invalid('is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw invalid('must begin with https://');
  if (url.username !== '' || url.password !== '') throw invalid('must not hold a user or a password');
  if (url.hash !== '') throw invalid('must not hold a fragment');
  if (isAllowed(url, allowed)) return;
  if (url.protocol === 'http:') throw invalid('must begin with https://, unless webhook_hosts allows its host');
  checkLiteral(url);
}

/** A host that is an address needs no name to be resolved, and is looked at here. Throws `query_invalid`. */
export function checkLiteral(url: URL): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw invalid('leads to an address that is not public');
}

/**
 * Resolves a name for one connection, and gives only addresses that are public. The connection is made to what is
 * given here and nothing is resolved a second time, so a name that changes its address in between gains nothing.
 */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0);
    const hidden = addresses.find(({ address }) => !isPublicAddress(address));
    const first = addresses[0];
    if (hidden !== undefined || first === undefined) {
      return callback(new AppError('address_not_public', 'the name leads to an address that is not public'), '', 0);
    }
    if (options.all) return callback(null, addresses);
    return callback(null, first.address, first.family);
  });
};
