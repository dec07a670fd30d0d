/** A real OpenID Connect provider on loopback, for tests: certified software of others, with keys of its own. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import Provider from 'oidc-provider';

export const CLIENT_ID = 'tracewarden-pages';
export const AUDIENCE = 'https://tracewarden.example/api';
const CLIENT_SECRET = 'a secret of this test that is long enough';

export interface TestProvider {
  issuer: string;
  client_secret: string;
  /** An access token that the provider itself makes for a program (client credentials grant). */
  token(client: string): Promise<string>;
  /** A token that bears the provider's signature, with claims as the test wants them. */
  sign(claims: JWTPayload, header?: { alg?: string; typ?: string }): Promise<string>;
  /** Takes no more connections, as when it is down, and later takes them again. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** `roles` and `tenants` say what each account or client holds. */
export async function startProvider(
  redirect_uri: string,
  roles: Record<string, string[]>,
  tenants: Record<string, string>,
): Promise<TestProvider> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'es', alg: 'ES256', use: 'sig' };
  const server = createServer();
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, 'localhost', () => resolve()));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const issuer = `http://localhost:${port}`;
  const claimsOf = (name: string) => ({ roles: roles[name] ?? [], org: tenants[name], name: `${name} of this test` });
  const provider = new Provider(issuer, {
    jwks: { keys: [jwk] },
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        token_endpoint_auth_method: 'client_secret_post',
        redirect_uris: [redirect_uri],
        id_token_signed_response_alg: 'ES256',
      },
      ...Object.keys(roles).map((client_id) => ({
        client_id,
        client_secret: CLIENT_SECRET,
        token_endpoint_auth_method: 'client_secret_post' as const,
        grant_types: ['client_credentials'],
        id_token_signed_response_alg: 'ES256' as const,
        redirect_uris: [],
        response_types: [],
      })),
    ],
    claims: { openid: ['sub', 'roles', 'org', 'name'] },
    conformIdTokenClaims: false,
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...claimsOf(sub) }) }),
    extraTokenClaims: (_, token) => claimsOf(token.clientId ?? ''),
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => ({
          scope: 'api',
          audience: AUDIENCE,
          accessTokenFormat: 'jwt' as const,
          jwt: { sign: { alg: 'ES256' as const } },
        }),
      },
    },
    cookies: { keys: ['a key of this test'] },
  });
  server.on('request', provider.callback());
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    issuer,
    client_secret: CLIENT_SECRET,
    async token(client) {
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client,
        client_secret: CLIENT_SECRET,
        scope: 'api',
      });
      const answer = await fetch(`${issuer}/token`, { method: 'POST', body });
      return ((await answer.json()) as { access_token: string }).access_token;
    },
    sign: (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'es', ...header }).sign(privateKey),
    pause: stop,
    resume: () => listen(port),
    close: stop,
  };
}
