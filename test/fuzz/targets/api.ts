// The API over a real registry, in this process: requests of every kind, sound ones and damaged ones.
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { apiVersionOf, type KubernetesObject, verbsOf } from "../../../shared/api/resource.ts";
import { systemClock } from "../../../shared/util/clock.ts";
import { type Log, silentLog } from "../../../shared/util/log.ts";
import { type ApiContext, ask, noStreams, openApi } from "../../kit/api_server.ts";
import { upTo } from "../../kit/chance.ts";
import { newNamespace, openForgetfulRegistry } from "../../kit/registry.ts";
import { collection, type Corpus, validObjects } from "../objects.ts";
import { mutated, objectNames, type Request as Asked, search, show, sound } from "../requests.ts";
import { target, type World } from "../target.ts";

/** The same in every life and every process; made once. */
const corpus: Corpus = await (async () => {
  const api = await openApi({}, await openForgetfulRegistry());
  try {
    const all = await validObjects(api, 6);
    return new Map([...all].filter(([, objects]) => objects.length > 0));
  } finally {
    await api.close();
  }
})();

export const apiTarget = target<Asked>({
  name: "api",
  casesPerLife: 2_000,
  make(random) {
    let asked = sound(random, corpus);
    for (let changes = upTo(random, 5); changes > 0; changes--) asked = mutated(random, asked);
    return asked;
  },
  show,
  open,
});

async function open(): Promise<World<Asked>> {
  const said: unknown[] = [];
  const log: Log = { ...silentLog, error: (sentence, keys) => void said.push(sentence, keys?.error) };
  const api = await openApi({ log, streams: aNode }, await openForgetfulRegistry());
  await newNamespace(api.registry, "other");
  for (const [kind, objects] of corpus) {
    for (const name of objectNames) {
      const object = objects[objectNames.indexOf(name)] ?? objects[0]!;
      await ask(api, "POST", collection(kind, "default"), { body: { ...object, metadata: { ...object.metadata as object, name } } });
    }
  }
  return { run: (asked) => run(api, said, asked), close: () => api.close() };
}
/** One on which a log has two words and never ends, and no process begins. */
const aNode = {
  ...noStreams,
  logs: (): Promise<ReadableStream<Uint8Array>> =>
    Promise.resolve(new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode("two words\n")) })),
};

async function run(api: ApiContext, said: unknown[], { method, path, query, headers, body }: Asked): Promise<string | undefined> {
  said.length = 0;
  const sent = new Headers();
  for (const [name, value] of headers) {
    try {
      sent.append(name, value);
    } catch {
      return undefined; // no header: HTTP itself refuses it
    }
  }
  const leaving = new AbortController(), bodiless = method === "GET" || method === "HEAD";
  const request = new Request(`https://skerry.example${path}${search(query)}`, {
    method,
    headers: sent,
    signal: leaving.signal,
    ...(body && !bodiless && { body: body as Uint8Array<ArrayBuffer> }),
  });
  const response = await api.app.fetch(request), text = await textOf(response);
  leaving.abort();
  const wrong = judge(response, text) ?? await putBack(api, response, text);
  return wrong && `${wrong}\n${said.map((word) => word instanceof Error ? word.stack : String(word)).join("\n")}`;
}

/** Whoever writes an object as he has read it, changes nothing: what has been defaulted and checked once, stays so. */
async function putBack(api: ApiContext, { status, headers }: Response, text = ""): Promise<string | undefined> {
  if (status !== 201 || headers.get("content-type") !== "application/json" || !text.startsWith('{"')) return undefined;
  const { apiVersion = "", kind: name, metadata } = JSON.parse(text) as KubernetesObject;
  const kind = kinds.find((one) =>
    apiVersionOf(one) === apiVersion && one.kind === name && one.stored !== false && verbsOf(one).includes("update")
  );
  if (!kind || !metadata?.resourceVersion) return undefined;
  const path = `${collection(kind, metadata.namespace ?? "")}/${encodeURIComponent(metadata.name!)}`;
  const read = await ask(api, "GET", path);
  if (read.status === 404) return undefined; // it was only tried
  const written = await ask(api, "PUT", path, { body: read.body });
  if (written.status === 200 && written.body.metadata.resourceVersion === read.body.metadata.resourceVersion) return undefined;
  return `created, but not written as it was read: ${JSON.stringify(read.body)}\nbecame ${JSON.stringify(written.body)}`;
}

/** All of an answer, or of one that lasts, what is there at once. */
async function textOf(response: Response): Promise<string | undefined> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let text = "", cancel = (): void => {};
  const late = new Promise<undefined>((resolve) => cancel = systemClock.after(2, () => resolve(undefined)));
  const lasts = response.headers.get("transfer-encoding") === null && response.headers.get("cache-control") !== null;
  try {
    for (;;) {
      const next = await (lasts ? Promise.race([reader.read(), late]) : reader.read());
      if (!next) return undefined;
      if (next.done) return text + decoder.decode();
      text += decoder.decode(next.value, { stream: true });
    }
  } finally {
    cancel();
    await reader.cancel();
  }
}

/** `text`: undefined if it had no end yet. */
function judge({ status, headers }: Response, text: string | undefined): string | undefined {
  if (status === 500 || status === 504) return `answered with ${status}: ${text}`;
  if (!text || headers.get("content-type") !== "application/json" || headers.has("content-encoding")) return undefined;
  if (status < 300) {
    for (const document of text.startsWith('{"type":"') ? text.trim().split("\n") : [text]) JSON.parse(document);
    return undefined;
  }
  const { kind, code, message } = JSON.parse(text);
  return kind === "Status" && code === status && typeof message === "string" ? undefined : `answered with ${status} and no Status: ${text}`;
}
