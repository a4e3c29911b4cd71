import { setImmediate } from "node:timers";
import * as assert from "uvu/assert";
import type { HttpContext } from "../../../master/http/context.ts";
import { renderList } from "../../../master/http/list.ts";
import { type Form, negotiate, type Wanted } from "../../../master/http/negotiate.ts";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import type { Kind } from "../../../shared/api/resource.ts";
import { listSliceObjects } from "../../../shared/limits.ts";
import { type ApiContext, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("renderList()", { setup: openApi, teardown: (api) => api.close(), timeoutMs: 30_000 });
const kind = configMaps as unknown as Kind, count = 3 * listSliceObjects;
const wanted = (form: Form): Wanted =>
  negotiate(
    form === "table" ? "application/json;as=Table;v=v1;g=meta.k8s.io" : "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    form,
  );

test("lets others have their turn while a long list is made, and leaves nothing out", async ({ registry }) => {
  for (let at = 0; at < count; at += 100) {
    await Promise.all(
      Array.from(
        { length: 100 },
        (_, index) => registry.create(kind, { metadata: { name: `map-${1000 + at + index}`, namespace: "default" } }),
      ),
    );
  }
  const page = await registry.list(kind, { namespace: "default" });
  const c = { get: () => new URLSearchParams() } as unknown as HttpContext;
  for (const [form, items] of [["table", "rows"], ["metadata", "items"]] as const) {
    let turns = 0, isOver = false;
    const turn = (): void => {
      turns++;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    const text = await renderList(c, kind, page, wanted(form), 0);
    isOver = true;
    assert.ok(turns >= 2, `${turns} turns of the event loop meanwhile`);
    const list = JSON.parse(text as string);
    assert.is(list[items].length, count);
    const names = list[items].map((item: { metadata?: { name: string }; object?: { metadata: { name: string } } }) =>
      (item.object ?? item).metadata?.name
    );
    assert.equal([names[0], names.at(-1), new Set(names).size], ["map-1000", `map-${999 + count}`, count]);
    const none = JSON.parse(await renderList(c, kind, { ...page, items: [] }, wanted(form), 0) as string);
    assert.equal(none[items], []);
  }
});
