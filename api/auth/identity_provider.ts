/**
 * Single sign-on by OpenID Connect: tokens of the provider for the API, and the login of browsers (authorization code
 * with PKCE, RFC 7636). The provider is asked for its document and keys when first needed, so that the service starts
 * without it.
 */
import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { AppError, messageOf } from '../../core/errors.ts';
import type { OidcSettings } from '../../core/oidc_settings.ts';
import type { Principal } from './access.ts';
import { principalFrom } from './claims.ts';

/** What a browser's login remembers until the browser comes back. */
export interface LoginAttempt {
  state: string;
  nonce: string;
  verifier: string;
}

export interface IdentityProvider {
  /** Whether people can log in with a browser. */
  readonly browsers: boolean;
  /** Who a token of the API belongs to, or undefined: forged, expired and foreign tokens look the same. */
  check(token: string): Promise<Principal | undefined>;
  /** Where to send a browser, and what to remember of it. */
  begin(): Promise<{ address: URL; attempt: LoginAttempt }>;
  /** Who came back with the address that the provider sent the browser to. Throws `login_failed`. */
  finish(query: string, attempt: LoginAttempt): Promise<Principal>;
}

const TIMEOUT_S = 5;
/** How long the provider is left alone after it did not answer. */
const PAUSE_MS = 5_000;
const CLOCKS_APART_S = 30;

interface Met {
  configuration: oidc.Configuration;
  keys: ReturnType<typeof createRemoteJWKSet>;
}

export function openIdentityProvider(settings: OidcSettings, now: () => number): IdentityProvider {
  const { issuer, audience, algorithms } = settings;
  const met = once(() => meet(settings), now);
  return {
    browsers: settings.client_id !== undefined,
    async check(token) {
      const { keys } = await met();
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms,
          clockTolerance: CLOCKS_APART_S,
          currentDate: new Date(now()),
          requiredClaims: ['exp', 'sub'],
        });
        return principalFrom(payload, settings);
      } catch (error) {
        if (error instanceof AppError && error.code !== 'unauthenticated') throw error;
        if (!isProviderFault(error)) return undefined;
        throw unreachable(error);
      }
    },
    async begin() {
      const { configuration } = await met();
      const attempt = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier: oidc.randomPKCECodeVerifier(),
      };
      const address = oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: settings.redirect_url ?? '',
        scope: settings.scope,
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: 'S256',
      });
      return { address, attempt };
    },
    async finish(query, { state, nonce, verifier }) {
      const { configuration } = await met();
      const back = new URL(settings.redirect_url ?? '');
      back.search = query;
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
      try {
        const tokens = await oidc.authorizationCodeGrant(configuration, back, checks);
        const { alg = 'none' } = decodeProtectedHeader(tokens.id_token ?? '');
        if (!(algorithms as string[]).includes(alg))
          throw new AppError('login_failed', 'the ID token has another algorithm');
        return principalFrom(tokens.claims() ?? {}, settings);
      } catch (error) {
        if (error instanceof AppError) throw error;
        // The library's words can hold what the provider answered, and that a token: only its code is passed on.
        throw new AppError('login_failed', `the provider's answer is not good: ${codeOf(error)}`, { cause: error });
      }
    },
  };
}

async function meet(settings: OidcSettings): Promise<Met> {
  const { issuer, client_id, client_secret, audience } = settings;
  const plain = new URL(issuer).protocol === 'http:';
  // Only a provider on loopback may be asked without TLS; the settings let no other be named so.
  const auth = client_secret === undefined ? oidc.None() : oidc.ClientSecretPost(client_secret);
  const configuration = await oidc.discovery(new URL(issuer), client_id ?? audience, {}, auth, {
    timeout: TIMEOUT_S,
    ...(plain && { execute: [oidc.allowInsecureRequests] }),
  });
  const { jwks_uri } = configuration.serverMetadata();
  if (jwks_uri === undefined) throw new Error('the provider names no jwks_uri');
  oidc.enableNonRepudiationChecks(configuration);
  return { configuration, keys: createRemoteJWKSet(new URL(jwks_uri), { timeoutDuration: TIMEOUT_S * 1_000 }) };
}

/** What was met is kept; who did not answer is asked again only after a pause. */
function once(meeting: () => Promise<Met>, now: () => number): () => Promise<Met> {
  let met: Promise<Met> | undefined;
  let failed: { error: unknown; until_ms: number } | undefined;
  return async () => {
    if (failed !== undefined && now() < failed.until_ms) throw unreachable(failed.error);
    met ??= meeting();
    try {
      return await met;
    } catch (error) {
      met = undefined;
      failed = { error, until_ms: now() + PAUSE_MS };
      throw unreachable(error);
    }
  };
}

const codeOf = (error: unknown) =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';

/** Faults of the provider or of the way to it; everything else is the token's. */
function isProviderFault(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  if (error instanceof errors.JOSEError) return error.code === 'ERR_JOSE_GENERIC';
  return error instanceof TypeError;
}

function unreachable(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  return new AppError(
    'provider_unavailable',
    `the identity provider cannot be asked: ${messageOf(cause)}`.slice(0, 200),
    {
      cause,
    },
  );
}
