// What a container said at its end: the file it was given for that, or the tail of its output if it asked for it and failed.
import { open } from "node:fs/promises";
import type { Container } from "../../shared/api/kinds/pod/container.ts";
import { terminationMessageBytes } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { readLog } from "../runtime/logs.ts";
import type { ActualContainer } from "../runtime/runtime.ts";
import { ifMissing } from "../volumes/projection.ts";

/** Lines and bytes of output taken instead of the file: Kubernetes' own. */
const fallbackLines = 80, fallbackBytes = 2048;

/** "" if there are none. */
export async function lastWords(
  on: { readonly clock: Clock },
  container: Container | undefined,
  { exitCode }: ActualContainer,
  path: string,
  logPath: string,
  signal: AbortSignal,
): Promise<string> {
  const file = await open(path, "r").catch(ifMissing);
  if (file) {
    try {
      const { bytesRead, buffer } = await file.read(new Uint8Array(terminationMessageBytes), 0, terminationMessageBytes, 0);
      if (bytesRead > 0) return new TextDecoder().decode(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  }
  if (container?.terminationMessagePolicy !== "FallbackToLogsOnError" || !exitCode) return "";
  let text = "";
  const decoder = new TextDecoder();
  for await (const block of readLog(on, logPath, { tailLines: fallbackLines }, { signal })) {
    text = (text + decoder.decode(block, { stream: true })).slice(-fallbackBytes);
  }
  return text;
}
