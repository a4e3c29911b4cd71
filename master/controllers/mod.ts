// The controllers, in one array.
import type { Clock } from "../../shared/util/clock.ts";
import type { Controller } from "./controller.ts";
import { certificateSigner, type ClientAuthority } from "./certificate_signer.ts";
import { certificateCleaner } from "./certificate_cleaner.ts";
import { clusterRoleAggregationController } from "./cluster_role_aggregation.ts";
import { customResourceDefinitionController } from "./custom_resource_definition.ts";
import { type DaemonFit, daemonSetController } from "./daemonset.ts";
import { deploymentController } from "./deployment.ts";
import { disruptionController } from "./disruption.ts";
import { endpointSliceController } from "./endpoint_slices.ts";
import { endpointsController } from "./endpoints.ts";
import { garbageCollector } from "./garbage_collector.ts";
import { type ApiEndpoint, kubernetesServiceController } from "./kubernetes_service.ts";
import { namespaceController } from "./namespace.ts";
import { nodeIpamController } from "./node_ipam.ts";
import { nodeLifecycleController, type Presence } from "./node_lifecycle.ts";
import { podGc } from "./pod_gc.ts";
import { replicaSetController } from "./replicaset.ts";
import { resourceQuotaController } from "./resource_quota.ts";
import { rootCaController } from "./root_ca.ts";
import { serviceAccountController } from "./service_account.ts";
import { tokenCleaner } from "./token_cleaner.ts";
import { type SecretTokens, tokenSecretsController } from "./token_secrets.ts";

export interface ControllerConfig {
  /** IPv4 network of which every node gets a /24. */
  readonly podNetwork: string;
  /** The cluster's CA, PEM. */
  readonly caCertificate: string;
  /** Signs certificates of the API's clients. */
  readonly authority: ClientAuthority;
  /** Issues tokens of ServiceAccounts. */
  readonly accounts: SecretTokens;
  /** Where the API can be reached from pods and nodes. */
  readonly apiEndpoints: readonly ApiEndpoint[];
}

export const controllers = (
  { clock, presence, daemonFit }: { clock: Clock; presence: Presence; daemonFit: DaemonFit },
  { podNetwork, caCertificate, authority, accounts, apiEndpoints }: ControllerConfig,
): readonly Controller[] => [
  deploymentController,
  replicaSetController,
  daemonSetController(daemonFit),
  disruptionController,
  endpointSliceController,
  endpointsController,
  kubernetesServiceController(apiEndpoints),
  nodeLifecycleController(presence, clock),
  nodeIpamController(podNetwork),
  namespaceController,
  customResourceDefinitionController,
  serviceAccountController,
  rootCaController(caCertificate),
  tokenSecretsController(accounts, caCertificate),
  clusterRoleAggregationController,
  certificateSigner(authority, clock),
  certificateCleaner(clock),
  tokenCleaner(clock),
  garbageCollector,
  podGc(clock),
  resourceQuotaController(clock),
];
