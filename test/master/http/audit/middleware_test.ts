import * as assert from "uvu/assert";
import { type Auditor, createAuditor } from "../../../../master/http/audit/middleware.ts";
import { defaultPolicy, parsePolicy, type Policy } from "../../../../master/http/audit/policy.ts";
import { auditBodyBytes } from "../../../../shared/limits.ts";
import { HandCrankedClock } from "../../../../shared/util/clock.ts";
import { type ApiContext, ask, openApi } from "../../../kit/api_server.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("audit");
const configMaps = "/api/v1/namespaces/default/configmaps", secrets = "/api/v1/namespaces/default/secrets";
const someone = { name: "someone", groups: ["crew", "system:authenticated"] };
const everything = (level: string, omit = ""): Policy =>
  parsePolicy(`{apiVersion: audit.k8s.io/v1, kind: Policy, omitStages: [${omit}], rules: [{level: ${level}}]}`);

// deno-lint-ignore no-explicit-any
async function withAudit(policy: Policy, body: (api: ApiContext, events: any[], text: () => string) => Promise<void>): Promise<void> {
  const lines: string[] = [],
    auditor: Auditor = createAuditor(new HandCrankedClock(), policy, (line) => {
      lines.push(line);
      events.push(JSON.parse(line));
    });
  const events: unknown[] = [], api = await openApi({ auditor });
  try {
    await body(api, events, () => lines.join(""));
  } finally {
    await api.close();
  }
}

test("a line says who, what, when, from where and with which outcome, under the id that the client has", () =>
  withAudit(defaultPolicy, async (api, events) => {
    const { headers } = await ask(api, "POST", `${configMaps}?fieldManager=me`, {
      body: { metadata: { name: "a" } },
      headers: { "user-agent": "ua" },
    });
    assert.equal(events, [{
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: headers.get("audit-id"),
      stage: "ResponseComplete",
      requestURI: `${configMaps}?fieldManager=me`,
      verb: "create",
      user: { username: "admin", groups: ["system:masters", "system:authenticated"] },
      sourceIPs: [""],
      userAgent: "ua",
      objectRef: { resource: "configmaps", namespace: "default", apiVersion: "v1" },
      responseStatus: { metadata: {}, code: 201 },
      requestReceivedTimestamp: "2026-01-01T00:00:00.000000Z",
      stageTimestamp: "2026-01-01T00:00:00.000000Z",
      annotations: {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": "group system:masters may do everything",
      },
    }]);
  }));

test("reads are not written down, but reads of Secrets are; so is what was refused, and who hides behind another name", () =>
  withAudit(defaultPolicy, async (api, events) => {
    await ask(api, "GET", configMaps);
    await ask(api, "GET", secrets);
    await ask(api, "DELETE", `${configMaps}/none`);
    await ask(api, "DELETE", `${configMaps}/a`, { as: someone });
    await ask(api, "DELETE", `${configMaps}/a`, { headers: { "impersonate-user": "puppet" } });
    assert.equal(
      events.map(({ verb, user, impersonatedUser, objectRef, responseStatus: { code, reason }, annotations }) => [
        `${verb} ${objectRef.resource}`,
        user.username,
        impersonatedUser?.username,
        code,
        reason,
        annotations["authorization.k8s.io/decision"],
      ]),
      [
        ["list secrets", "admin", undefined, 200, undefined, "allow"],
        ["delete configmaps", "admin", undefined, 404, "NotFound", "allow"],
        ["delete configmaps", "someone", undefined, 403, "Forbidden", "forbid"],
        ["delete configmaps", "admin", "puppet", 403, "Forbidden", "forbid"],
      ],
    );
  }));

test("a policy may ask for bodies, which are JSON whatever they came as; long ones are left out, and the line says so", () =>
  withAudit(everything("RequestResponse", "RequestReceived"), async (api, events) => {
    await ask(api, "POST", configMaps, { body: "metadata: {name: a}\ndata: {k: v}\n", headers: { "content-type": "application/yaml" } });
    assert.equal(events[0].requestObject, { metadata: { name: "a" }, data: { k: "v" } });
    assert.is(events[0].responseObject.data.k, "v");
    await ask(api, "PATCH", `${configMaps}/none`, { body: "{}", headers: { "content-type": "application/merge-patch+json" } });
    assert.is(events[1].responseObject.reason, "NotFound");
    await ask(api, "POST", configMaps, { body: { metadata: { name: "b" }, data: { k: "x".repeat(auditBodyBytes) } } });
    assert.equal(["requestObject" in events[2], "responseObject" in events[2], events[2].annotations["audit.k8s.io/truncated"]], [
      false,
      false,
      "true",
    ]);
  }));

test("stages: what is omitted is not there, and what was received is told before it is done", () =>
  withAudit(everything("Metadata", "Panic"), async (api, events) => {
    await ask(api, "GET", configMaps);
    assert.equal(events.map(({ stage, responseStatus }) => [stage, responseStatus?.code]), [["RequestReceived", undefined], [
      "ResponseComplete",
      200,
    ]]);
  }));

test("no secret is ever written down, by whatever policy and verb", () =>
  withAudit(everything("RequestResponse"), async (api, _, text) => {
    const body = { metadata: { name: "a" }, stringData: { password: "hunter2" } };
    await ask(api, "POST", secrets, { body });
    await ask(api, "PATCH", `${secrets}/a`, {
      body: { stringData: { password: "hunter22" } },
      headers: { "content-type": "application/merge-patch+json" },
    });
    for (const path of [secrets, `${secrets}/a`, "/api/v1/secrets"]) await ask(api, "GET", path);
    await ask(api, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", { body: { spec: { token: "hunter2" } } });
    await ask(api, "DELETE", `${secrets}/a`);
    assert.ok(text().split("\n").length > 12);
    for (const secret of ["hunter2", btoa("hunter2"), btoa("hunter22")]) assert.not.match(text(), secret);
  }));
