// What a container, a pod or a volume needs, and what it may use at most.
import { field, list, map, message, required, string } from "../../schema.ts";
import { quantity } from "../../scalars.ts";

const core = "k8s.io.api.core.v1";

export class ResourceClaim extends message(`${core}.ResourceClaim`, "A device claim of the pod that a container uses.", {
  name: required(1, string, "Name of an entry of the pod's resourceClaims."),
  request: field(2, string, "The one request of the claim to use; all of them, if left out."),
}) {}

export class ResourceRequirements extends message(`${core}.ResourceRequirements`, "What is promised and what is the most.", {
  limits: field(1, map(quantity), "The most that may be used, by resource: cpu, memory, ephemeral-storage, hugepages-…"),
  requests: field(2, map(quantity), "What is set aside on the node. In a pod: the limits, if left out."),
  claims: field(3, list(ResourceClaim), "Device claims of the pod that are used here.", { list: "map", keys: ["name"] }),
}) {}
