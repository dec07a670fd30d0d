/** The settings of single sign-on: whose tokens are taken, what makes them good, and which claims give roles. */
import { z } from 'zod';
import { ROLES } from './role.ts';

/** No symmetric algorithm and no `none`: whoever can check a token must not be able to make one. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

const text = z.string().min(1).max(2_048);
/** The name of a claim, or the way to it: `[realm_access, roles]`. */
const Claim = z.union([text, z.array(text).min(1).max(8)]);
const Address = z.url().refine((address) => {
  const { protocol, hostname, username } = new URL(address);
  return username === '' && (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname)));
}, 'must be an https address');

/** Everything that is fixed here is not taken from a token. */
export const OidcSettings = z
  .strictObject({
    /** As `iss` has it, to the letter. */
    issuer: Address,
    /** What `aud` of a token for the API must hold. */
    audience: text,
    algorithms: z.array(z.enum(ALGORITHMS)).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']),
    role_claim: Claim.default('roles'),
    /** The first entry whose value the claim holds gives the role; a token with none of them is refused. */
    roles: z
      .array(z.strictObject({ value: text, role: z.enum(ROLES) }))
      .min(1)
      .max(200),
    /** One tenant for everybody, or the claim that names each one's. */
    tenant: text.max(200).optional(),
    tenant_claim: Claim.optional(),
    /** With these, people log in through their browser. */
    client_id: text.optional(),
    client_secret: text.optional(),
    redirect_url: Address.optional(),
    scope: text.default('openid profile email'),
  })
  .refine(({ tenant, tenant_claim }) => (tenant === undefined) !== (tenant_claim === undefined), {
    path: ['tenant'],
    message: 'is given, or tenant_claim is: one of the two',
  })
  .refine(({ client_id, redirect_url }) => (client_id === undefined) === (redirect_url === undefined), {
    path: ['redirect_url'],
    message: 'goes with client_id, and client_id with it',
  })
  .refine(({ redirect_url }) => redirect_url === undefined || redirect_url.endsWith('/login/callback'), {
    path: ['redirect_url'],
    message: 'must be the address of this service and end in /login/callback',
  })
  // An ID token is made for the client; were it the audience too, any page that gets one could call the API with it.
  .refine(({ audience, client_id }) => audience !== client_id, {
    path: ['audience'],
    message: 'must not be the client_id: tokens for the login would open the API',
  });
export type OidcSettings = z.infer<typeof OidcSettings>;
