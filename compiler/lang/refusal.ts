/** Thrown after a refusal was recorded; caught by the statement around it. */
export class Refused extends Error {}

export function isRefusal(error: unknown): error is Refused {
  return error instanceof Refused;
}
