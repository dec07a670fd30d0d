/** How a checker computes the commitment to one part of a record, wherever it runs. */

/** The commitment in standard base64, or undefined when the salt has not 32 bytes. */
export type CommitPart = (field_salt: Uint8Array, group: string, text: string) => string | undefined;
