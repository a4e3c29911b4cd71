import * as assert from "uvu/assert";
import { parseRequest } from "../../../master/http/request.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("parseRequest()");
const parse = (method: string, url: string) => {
  const { pathname, searchParams } = new URL(url, "https://x");
  return parseRequest(method, pathname, searchParams);
};
const brief = (method: string, url: string): string => {
  const { verb, resource: at } = parse(method, url);
  return at ? [verb, at.group, at.version, at.plural, at.namespace, at.name, at.subresource, at.rest].join(" ") : verb;
};

test("parseRequest() reads every place a resource can stand at", () => {
  const table: [method: string, url: string, expected: string][] = [
    ["GET", "/api/v1/namespaces/n/pods/web", "get  v1 pods n web  "],
    ["GET", "/api/v1/namespaces/n/pods", "list  v1 pods n   "],
    ["GET", "/api/v1/pods?watch=true", "watch  v1 pods    "],
    ["GET", "/api/v1/pods?watch=1", "watch  v1 pods    "],
    ["GET", "/api/v1/pods?watch=True", "watch  v1 pods    "],
    ["GET", "/api/v1/pods?watch=", "watch  v1 pods    "],
    ["GET", "/api/v1/pods?watch=False", "list  v1 pods    "],
    ["GET", "/api/v1/pods?watch=0", "list  v1 pods    "],
    ["GET", "/api/v1/pods?watch=false", "list  v1 pods    "],
    ["DELETE", "/apis/apps/v1/namespaces/n/deployments", "deletecollection apps v1 deployments n   "],
    ["PATCH", "/apis/apps/v1/namespaces/n/deployments/web/scale", "patch apps v1 deployments n web scale "],
    ["GET", "/api/v1/namespaces/n", "get  v1 namespaces  n  "],
    ["PUT", "/api/v1/namespaces/n/finalize", "update  v1 namespaces  n finalize "],
    ["GET", "/api/v1/namespaces/n/status", "get  v1 namespaces  n status "],
    ["GET", "/api/v1/namespaces", "list  v1 namespaces    "],
    ["POST", "/api/v1/namespaces/n/pods/web/proxy/a/b", "create  v1 pods n web proxy a/b"],
    ["GET", "/api/v1/nodes/a%2Fb", "get  v1 nodes  a/b  "],
    ["GET", "/version", "get"],
    ["GET", "/apis/apps/v1", "get"],
    ["GET", "/api/v1/nodes/%zz", "get"],
  ];
  for (const [method, url, expected] of table) assert.is(brief(method, url), expected, `${method} ${url}`);
});
