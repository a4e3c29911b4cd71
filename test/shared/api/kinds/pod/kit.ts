// Pods as somebody writes them.
import { pods } from "../../../../../shared/api/kinds/pod.ts";
import { admit } from "../../../../kit/admit.ts";

export const metadata = { name: "web" };
export const web = { name: "web", image: "nginx:1.27" };
export const pod = (spec: object = {}): object => ({ metadata, spec: { containers: [web], ...spec } });
export const container = (more: object): object => pod({ containers: [{ ...web, ...more }] });
export const specOf = (input: object) => admit(pods, input).object.spec!;
