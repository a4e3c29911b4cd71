// Lists: one snapshot over all pages, read at the revision of the first.
import { forbidden, type Kind } from "../../shared/api/resource.ts";
import { badRequest, invalidObject } from "../../shared/api/status.ts";
import { type Store, StoreError } from "../store/store.ts";
import { decode } from "./codec.ts";
import { decodeContinue, encodeContinue, inconsistent } from "./continue_token.ts";
import { expiredContinue, tooLarge, translate } from "./errors.ts";
import type { ListQuery, Page, Stored } from "./face.ts";
import { selector } from "./select.ts";

/** Keys looked at in one step of a page that has selectors: most of them may not match. */
const scanItems = 512;

/** @throws ApiError */
export async function listObjects(store: Store, kind: Kind, query: ListQuery): Promise<Page<Stored["object"]>> {
  checkVersions(query);
  const selected = selector(kind, query);
  const identity = [selected.prefix, query.labels ?? [], query.fields ?? []], { clusterEpoch } = store.status();
  let at: number | undefined, after: string | undefined, serializable = false;
  if (query.continue) {
    const position = decodeContinue(query.continue, identity, clusterEpoch);
    after = selected.prefix + position.after;
    if (position.revision !== inconsistent) at = position.revision;
  } else if (query.resourceVersion === "0") {
    serializable = true;
  } else if (query.resourceVersion && (query.match === "Exact" || (query.match === undefined && query.limit))) {
    at = parseRevision(query.resourceVersion); // a limit without a match means Exact, for old clients
  }

  const items: Stored[] = [], limit = query.limit || Infinity;
  const read = { ...(at !== undefined && { revision: at }), ...(serializable && { serializable }) };
  const token = (revision: number, last: string) =>
    encodeContinue({ revision, after: last.slice(selected.prefix.length) }, identity, clusterEpoch);
  for (;;) {
    const step = limit === Infinity ? Infinity : selected.all ? limit : scanItems;
    let range;
    try {
      range = await store.list(selected.prefix, {
        ...read,
        ...(step !== Infinity && { limit: step }),
        ...(after !== undefined && { after }),
      });
    } catch (error) {
      if (after !== undefined && error instanceof StoreError && error.reason === "Compacted") {
        throw expiredContinue(token(inconsistent, after), error);
      }
      throw translate(error, at);
    }
    if (at === undefined) notOlderThan(query, range.revision);
    at = read.revision = range.revision; // all further steps and pages show the state of the first
    for (const [index, item] of range.items.entries()) {
      const stored = decode(kind, item);
      if (selected.all || selected.matches(stored)) items.push(stored);
      const behind = range.remaining + range.items.length - index - 1;
      if (items.length === limit && behind > 0) {
        return { items, revision: at, continue: token(at, item.key), ...(selected.all && { remaining: behind }) };
      }
    }
    if (range.remaining === 0) return { items, revision: at };
    after = range.items.at(-1)!.key;
  }
}

/** @throws ApiError Timeout when nobody has seen this revision yet */
function notOlderThan(query: ListQuery, revision: number): void {
  if (!query.resourceVersion || query.resourceVersion === "0" || query.continue) return;
  const least = parseRevision(query.resourceVersion);
  if (least > revision) throw tooLarge(least, revision);
}
function parseRevision(text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    const options = { kind: "ListOptions", plural: "listoptions", group: "meta.k8s.io" };
    throw invalidObject(options, "", [
      {
        reason: "FieldValueInvalid",
        field: "resourceVersion",
        message: `Invalid value: ${JSON.stringify(text)}: must be a decimal number`,
      },
    ]);
  }
  return Number(text);
}
/** The combinations that mean nothing (apimachinery's ValidateListOptions). */
function checkVersions({ resourceVersion, match, continue: token }: ListQuery): void {
  const refuse = (field: string, why: string) =>
    invalidObject({ kind: "ListOptions", plural: "listoptions", group: "meta.k8s.io" }, "", [forbidden(field, why)]);
  if (token && resourceVersion && resourceVersion !== "0") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  if (match === undefined) return;
  if (token) throw refuse("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
  if (!resourceVersion) throw refuse("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (match === "Exact" && resourceVersion === "0") {
    throw refuse("resourceVersionMatch", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
}
