import * as assert from "uvu/assert";
import { customResourceDefinitions as kind } from "../../../../shared/api/kinds/custom_resource_definition.ts";
import { customResourceDefinitions as most } from "../../../../shared/limits.ts";
import { admitted, refusal } from "../../../kit/admission.ts";
import { definition, version } from "../../../kit/definitions.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("fewDefinitions()");
const made = definition([version({})]), among = (count: number) => ({ world: { definitions: () => Promise.resolve(count) } });

test("refuses one more than there may be, and changes none that is there", async () => {
  await admitted(kind, made, among(most - 1));
  const why = `there may be at most ${most} CustomResourceDefinitions`;
  const { message } = await refusal(kind, made, among(most));
  assert.is(message, `customresourcedefinitions.apiextensions.k8s.io "tides.sea.example.com" is forbidden: ${why}`);
  await admitted(kind, made, among(most), await admitted(kind, made, among(0)));
});
