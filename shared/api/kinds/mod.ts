// The registry of kinds: one import and one array entry per kind. The only barrel in the house.
import type { Kind } from "../resource.ts";
import type { Message } from "../schema.ts";
import { localSubjectAccessReviews, selfSubjectAccessReviews, selfSubjectRulesReviews, subjectAccessReviews } from "./access_review.ts";
import { Binding, bindings } from "./binding.ts";
import { certificateSigningRequests } from "./certificate_signing_request.ts";
import { configMaps } from "./configmap.ts";
import { controllerRevisions } from "./controller_revision.ts";
import { cronJobs } from "./cronjob.ts";
import { customResourceDefinitions } from "./custom_resource_definition.ts";
import { daemonSets } from "./daemonset.ts";
import { DeleteOptions } from "./delete_options.ts";
import { deployments } from "./deployment.ts";
import { endpoints } from "./endpoints.ts";
import { endpointSlices } from "./endpoint_slice.ts";
import { enrollments } from "./enrollment.ts";
import { events } from "./event.ts";
import { eventViews } from "./event_view.ts";
import { Eviction } from "./eviction.ts";
import { horizontalPodAutoscalers } from "./horizontal_pod_autoscaler.ts";
import { horizontalPodAutoscalersV1 } from "./horizontal_pod_autoscaler_v1.ts";
import { ingresses } from "./ingress.ts";
import { ingressClasses } from "./ingress_class.ts";
import { jobs } from "./job.ts";
import { leases } from "./lease.ts";
import { limitRanges } from "./limit_range.ts";
import { nodeMetrics, podMetrics } from "./metrics.ts";
import { namespaces } from "./namespace.ts";
import { networkPolicies } from "./network_policy.ts";
import { nodes } from "./node.ts";
import { nodeLinks } from "./node_link.ts";
import { persistentVolumes } from "./persistent_volume.ts";
import { persistentVolumeClaims } from "./persistent_volume_claim.ts";
import { pods } from "./pod.ts";
import { podDisruptionBudgets } from "./pod_disruption_budget.ts";
import { podTemplates } from "./pod_template.ts";
import { priorityClasses } from "./priority_class.ts";
import { replicaSets } from "./replicaset.ts";
import { replicationControllers } from "./replication_controller.ts";
import { resourceQuotas } from "./resource_quota.ts";
import { runtimeClasses } from "./runtime_class.ts";
import { clusterRoles, roles } from "./role.ts";
import { clusterRoleBindings, roleBindings } from "./role_binding.ts";
import { Scale } from "./scale.ts";
import { secrets } from "./secret.ts";
import { selfSubjectReviews, selfSubjectReviewsBeta } from "./self_subject_review.ts";
import { services } from "./service.ts";
import { serviceAccounts } from "./service_account.ts";
import { statefulSets } from "./statefulset.ts";
import { storageClasses } from "./storage_class.ts";
import { TokenRequest } from "./token_request.ts";
import { tokenReviews } from "./token_review.ts";
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from "./webhook_configuration.ts";

/** In discovery order, which is the order of `kubectl get all`, and in which a name that two groups have finds its kind. */
export const kinds: readonly Kind[] = [
  // v1
  pods,
  replicationControllers,
  services,
  configMaps,
  secrets,
  namespaces,
  nodes,
  serviceAccounts,
  endpoints,
  events,
  persistentVolumes,
  persistentVolumeClaims,
  limitRanges,
  resourceQuotas,
  podTemplates,
  bindings,
  // apps/v1
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
  controllerRevisions,
  // autoscaling/v2, v1
  horizontalPodAutoscalers,
  horizontalPodAutoscalersV1,
  // batch/v1
  cronJobs,
  jobs,
  // networking.k8s.io/v1
  networkPolicies,
  ingresses,
  ingressClasses,
  // policy/v1
  podDisruptionBudgets,
  // events.k8s.io/v1
  eventViews,
  // admissionregistration.k8s.io/v1
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
  // authentication.k8s.io/v1, v1beta1
  tokenReviews,
  selfSubjectReviews,
  selfSubjectReviewsBeta,
  // authorization.k8s.io/v1
  subjectAccessReviews,
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  // certificates.k8s.io/v1
  certificateSigningRequests,
  // rbac.authorization.k8s.io/v1
  roles,
  roleBindings,
  clusterRoles,
  clusterRoleBindings,
  // storage.k8s.io/v1
  storageClasses,
  // scheduling.k8s.io/v1
  priorityClasses,
  // coordination.k8s.io/v1
  leases,
  // node.k8s.io/v1
  runtimeClasses,
  // discovery.k8s.io/v1
  endpointSlices,
  // apiextensions.k8s.io/v1
  customResourceDefinitions,
  // metrics.k8s.io/v1beta1
  nodeMetrics,
  podMetrics,
  // fleet.skerry.dev/v1alpha1
  enrollments,
  nodeLinks,
] as never;

const byPath = new Map(kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]));
/** The kind behind a path such as /apis/apps/v1/…/deployments; group "" is core. */
export const kindOf = (group: string, version: string, plural: string): Kind | undefined => byPath.get(`${group}/${version}/${plural}`);

/** What subresources and deletions take as a body: no kinds of their own, but decoded and described like them. */
export const bodies: readonly Message[] = [Binding, DeleteOptions, Eviction, Scale, TokenRequest];
