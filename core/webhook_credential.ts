/** Secrets of receivers of webhooks, as the settings hold them: each bound to hosts, and to a tenant where one is named. */
import { z } from 'zod';

/** What goes along with requests to certain hosts, and never anywhere else. */
export const WebhookCredential = z.strictObject({
  /** `name`, or `name:port`. */
  hosts: z.array(z.string().min(1)).min(1),
  /** Only for subscriptions of this tenant. */
  tenant: z.string().min(1).optional(),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), z.string().regex(/^[\x20-\x7e]{1,4096}$/)).default({}),
  /** Takes the place of `{secret}` in a URL. */
  url_secret: z
    .string()
    .regex(/^[A-Za-z0-9._~-]{1,512}$/)
    .optional(),
});
export type WebhookCredential = z.infer<typeof WebhookCredential>;
