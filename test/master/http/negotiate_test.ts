import * as assert from "uvu/assert";
import { type Form, negotiate } from "../../../master/http/negotiate.ts";
import type { ApiError } from "../../../shared/api/status.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("negotiate()");
const kubectlGet = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
const all: Form[] = ["object", "table", "metadata"];

test("negotiate() takes the first form that both know", () => {
  assert.equal(negotiate(kubectlGet, ...all), { form: "table", yaml: false, version: "v1" });
  assert.is(negotiate(kubectlGet, "object").form, "object");
  assert.is(negotiate("application/vnd.kubernetes.protobuf,application/json", ...all).form, "object");
  assert.is(negotiate("application/json;g=meta.k8s.io;as=PartialObjectMetadata;v=v1", ...all).form, "metadata");
  assert.is(
    negotiate("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", "discovery", "object").version,
    "v2",
  );
  assert.is(negotiate("application/yaml", ...all).yaml, true);
  assert.is(negotiate("*/*", ...all).form, "object");
  assert.is(negotiate(undefined, ...all).form, "object");
});

test("negotiate() goes by q before it goes by place", () => {
  assert.is(negotiate("application/json;q=0.1,application/yaml", ...all).yaml, true);
  assert.is(negotiate("application/yaml;q=0,application/json", ...all).yaml, false);
});

test("negotiate() refuses a form that the resource does not have", () => {
  for (const accept of ["application/json;as=Table;v=v1;g=meta.k8s.io", "application/vnd.kubernetes.protobuf", "text/html"]) {
    try {
      negotiate(accept, "object");
      assert.unreachable();
    } catch (error) {
      assert.is((error as ApiError).reason, "NotAcceptable");
      assert.is((error as ApiError).message, "only the following media types are accepted: application/json, application/yaml");
    }
  }
});
