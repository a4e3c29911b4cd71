// The two steps of admission that ask somebody else. Those who may change the object are asked one after another, each about what the ones before have made
// of it; those who may only refuse it, all at once. A webhook that does not answer costs its timeout, and then the request or nothing, as its policy says.
import { hold } from "../../../shared/api/kinds/webhook_conditions.ts";
import { type ApiError, forbiddenObject } from "../../../shared/api/status.ts";
import { webhooksTogetherMs } from "../../../shared/limits.ts";
import type { Json } from "../../../shared/api/schema.ts";
import type { Change, Hook, Step } from "../change.ts";
import { sameJson } from "../../../shared/api/json.ts";
import type { Draft } from "../lifecycle.ts";
import { jsonPatch } from "../patch.ts";
import { asked, ofNamespace } from "./asked.ts";
import { concerns, isAsked, selects } from "./match.ts";
import { conditionsSee, denied, failed, type Question, readAnswer, review, type Verdict, whole } from "./review.ts";

/** @param again what a new object has been through before it, and goes through again if a webhook changes it */
export const mutatingWebhooks = (again: readonly Step[]): Step => async (change) => {
  const hooks = await hooksFor(change, "mutating"), end = deadline(change);
  if (hooks.length === 0) return undefined;
  const seen = new Map<Hook, Draft>();
  // A second time for those who want to know what others have made of it after them (reinvocationPolicy).
  for (const round of [1, 2]) {
    for (const hook of hooks) {
      const before = seen.get(hook);
      if (round === 2 && (hook.webhook.reinvocationPolicy !== "IfNeeded" || !before || sameJson(before, change.object))) continue;
      if (!await isSelected(hook, change)) continue;
      const { verdict, error } = await ask(hook, change, end());
      if (error) return error;
      if (verdict && verdict.patch.length > 0 && !change.deleting) {
        const wrong = patched(hook, change, verdict) ?? await runAll(again, change);
        if (wrong) return wrong;
      }
      seen.set(hook, change.object);
    }
  }
  return undefined;
};

export const validatingWebhooks: Step = async (change) => {
  const end = deadline(change), hooks: Hook[] = [];
  for (const hook of await hooksFor(change, "validating")) if (await isSelected(hook, change)) hooks.push(hook);
  const all = await Promise.all(hooks.map((hook) => ask(hook, change, end())));
  return all.find(({ error }) => error)?.error;
};

async function hooksFor(change: Change, type: Hook["type"]): Promise<readonly Hook[]> {
  const what = asked(change);
  if (!isAsked(what)) return [];
  return (await change.context.world.webhooks()).filter((hook) => hook.type === type && concerns(hook.webhook, what));
}
async function isSelected({ webhook }: Hook, change: Change): Promise<boolean> {
  return selects(webhook, objectsOf(change), await ofNamespace(change));
}
const objectsOf = ({ object, old, deleting }: Change): [Draft | undefined, Draft | undefined] => [deleting ? undefined : object, old];

async function ask(hook: Hook, change: Change, leftMs: number): Promise<{ verdict?: Verdict; error?: ApiError }> {
  const { webhook, type } = hook,
    { name, clientConfig, failurePolicy, timeoutSeconds = 10 } = webhook,
    { context } = change,
    [object, old] = objectsOf(change);
  const uid = context.world.newUid(), question: Question = { ...asked(change), object, old, context };
  const holds = webhook.matchConditions?.length ? hold(webhook.matchConditions, conditionsSee(question)) : true;
  if (holds === false) return {};
  if (holds !== true) {
    return failurePolicy === "Ignore"
      ? {}
      : { error: forbiddenObject(question.kind, object?.metadata.name ?? old!.metadata.name!, holds.error) };
  }
  let verdict: Verdict;
  try {
    const timeoutMs = Math.min(timeoutSeconds * 1000, Math.max(1, leftMs));
    const body = await context.world.callWebhook(clientConfig, review(uid, question), { timeoutMs, timeoutSeconds });
    verdict = readAnswer(body, uid, type === "mutating");
  } catch (error) {
    // Whatever goes wrong in between, the policy decides: nothing of it is the client's doing.
    return failurePolicy === "Ignore" ? {} : { error: failed(name, error) };
  }
  for (const words of verdict.warnings) context.warn?.(words);
  return verdict.allowed ? { verdict } : { error: denied(name, verdict) };
}

function patched({ webhook: { name } }: Hook, change: Change, { patch }: Verdict): ApiError | undefined {
  try {
    const { apiVersion: _, kind: _1, ...next } = jsonPatch(whole(change.kind, change.object) as Json, patch) as Json;
    const given = (next.metadata ?? {}) as Draft["metadata"], { metadata } = change.object;
    const { name: own, namespace, uid, creationTimestamp, generation, managedFields, deletionTimestamp, deletionGracePeriodSeconds } =
      metadata;
    const kept = { name: own, namespace, uid, creationTimestamp, generation, managedFields, deletionTimestamp, deletionGracePeriodSeconds };
    // What is the server's stays as it is.
    const identity = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
    change.object = { ...next, metadata: { ...without(given, Object.keys(kept)), ...identity } } as unknown as Draft;
    return undefined;
  } catch (error) {
    return failed(name, error);
  }
}
const without = (object: object, names: readonly string[]): object =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

export async function runAll(steps: readonly Step[], change: Change): Promise<ApiError | undefined> {
  for (const step of steps) {
    const error = await step(change);
    if (error) return error;
  }
  return undefined;
}
/** Milliseconds that are left for all of them together. */
function deadline({ context: { world } }: Change): () => number {
  const end = world.monotonic() + webhooksTogetherMs;
  return () => end - world.monotonic();
}
