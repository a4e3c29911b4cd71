// How every verb begins: what it was asked for is understood, or refused, and what the engine cannot do is said in the API's words.
import * as v from "valibot";
import type { SessionOpen } from "../../shared/wire/messages.ts";
import { TunnelError } from "../link/tunnel.ts";
import { RuntimeError } from "../runtime/runtime.ts";

/** @throws TunnelError BadRequest */
export function understood<T>(schema: v.GenericSchema<unknown, T>, { verb, options }: SessionOpen): T {
  const parsed = v.safeParse(schema, options);
  if (!parsed.success) throw new TunnelError("BadRequest", `these options for ${verb} are not understood: ${parsed.issues[0].message}`);
  return parsed.output;
}

/** @throws TunnelError for what the engine refuses */
export async function begun<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    throw new TunnelError(error.reason === "Unavailable" ? "ServiceUnavailable" : "InternalError", error.message);
  }
}
