// One page over one connection of its own, so that every request may land at another endpoint.
import { get } from "node:http";

/** The body of a page answered with 200. Rejects with what happened instead. */
export const page = (url: string, timeoutMs = 2_000): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: timeoutMs }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (data) => text += data);
      response.on("end", () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`${url}: status ${response.statusCode}: ${text}`)));
      response.on("error", reject);
    });
    request.on("timeout", () =>
      request.destroy(new Error(`${url}: no answer within ${timeoutMs} ms`)));
    request.on("error", reject);
  });

export interface Asking {
  /** Ends it. What was answered, and what went wrong. */
  stop(): Promise<{ readonly answers: number; readonly failures: readonly string[] }>;
}
/** Asks again and again, `everyMs`, until stopped. */
export function keepAsking(url: string, everyMs = 50): Asking {
  let answers = 0, isOn = true;
  const failures: string[] = [];
  const loop = (async () => {
    while (isOn) {
      await page(url).then(() => answers++, (error) => failures.push(error.message));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return {
    async stop() {
      isOn = false;
      await loop;
      return { answers, failures };
    },
  };
}
