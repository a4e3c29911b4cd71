// The controllers, in one array.
import type { Clock } from "../../shared/util/clock.ts";
import type { Controller } from "./controller.ts";
import { deploymentController } from "./deployment.ts";
import { endpointSliceController } from "./endpoint_slices.ts";
import { endpointsController } from "./endpoints.ts";
import { nodeIpamController } from "./node_ipam.ts";
import { nodeLifecycleController, type Presence } from "./node_lifecycle.ts";
import { replicaSetController } from "./replicaset.ts";

export interface ControllerConfig {
  readonly podNetwork: string;
}

export const controllers = (
  { clock, presence }: { clock: Clock; presence: Presence },
  { podNetwork }: ControllerConfig,
): readonly Controller[] => [
  deploymentController,
  replicaSetController,
  endpointSliceController,
  endpointsController,
  nodeLifecycleController(presence, clock),
  nodeIpamController(podNetwork),
];
