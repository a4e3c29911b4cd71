import * as assert from "uvu/assert";
import { down, downFilter, downTopic, parseTopic, up, upTopic } from "../../../shared/wire/topics.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("topics"), node = "abcdefghijklmnopqrstuvwxyz";

test("parseTopic() reads what upTopic() and downTopic() spell", () => {
  for (const [name, { id }] of Object.entries(up)) {
    const topic = upTopic(node, name as keyof typeof up, id ? "S1" : undefined);
    assert.equal(parseTopic(topic), { nodeId: node, direction: "up", name, ...(id && { id: "S1" }) });
  }
  for (const [name, { id }] of Object.entries(down)) {
    const topic = downTopic(node, name as keyof typeof down, id ? "S1" : undefined);
    assert.equal(parseTopic(topic), { nodeId: node, direction: "down", name, ...(id && { id: "S1" }) });
    assert.ok(topic.startsWith(downFilter(node).slice(0, -1)));
  }
});

test("parseTopic() knows nothing else", () => {
  const foreign = [
    "",
    "#",
    "$SYS/x",
    `s/v1/${node}`,
    `s/v1/${node}/u/#`,
    `s/v1/${node}/u/+`,
    `s/v1/+/u/birth`,
    `s/v2/${node}/u/birth`,
    `s/v1/${node}/u/birth/x`,
    `s/v1/${node}/u/c`,
    `s/v1/${node}/u/c/a/b`,
    `s/v1/${node}/u/put`,
    `s/v1/ABC/u/birth`,
    `s/v1/${node}/u/constructor`,
    `s/v1/${node}/u/c/#`,
  ];
  for (const topic of foreign) assert.is(parseTopic(topic), undefined, topic);
});
