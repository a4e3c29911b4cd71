// The body of every /scale subresource: how many there shall be, whatever they are.
import { field, int32, kind, message, required, string } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";

const autoscaling = "k8s.io.api.autoscaling.v1";

export class ScaleSpec extends message(`${autoscaling}.ScaleSpec`, "How many there shall be.", {
  replicas: field(1, int32, "The number wanted."),
}) {}

export class ScaleStatus extends message(`${autoscaling}.ScaleStatus`, "How many there are.", {
  replicas: required(1, int32, "The number there is.", { default: 0 }),
  selector: field(2, string, "Labels of its pods, as in a query."),
}) {}

export class Scale extends kind("autoscaling/v1", `${autoscaling}.Scale`, "How many there shall be, and how many there are.", {
  metadata: field(1, ObjectMeta, "Metadata of the object that is scaled."),
  spec: field(2, ScaleSpec, "What is wanted.", { default: {} }),
  status: field(3, ScaleStatus, "What is. Written by the system.", { default: {} as ScaleStatus }),
}) {}
