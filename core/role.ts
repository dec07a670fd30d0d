/** The roles that a key or a token can give. What each may do stands with the routes. */
export const ROLES = ['ingest', 'gateway', 'viewer', 'analyst', 'responder', 'auditor', 'monitor', 'admin'] as const;
export type Role = (typeof ROLES)[number];
