/** Kinds of the Kubernetes API that are not served. What becomes a kind of ours leaves this list, or the comparison fails. */
export const notServed: readonly string[] = [
  // Answers and envelopes: they are spoken, but are no kinds with a schema of their own.
  "meta.k8s.io/v1 PartialObjectMetadata",
  "meta.k8s.io/v1 Table",
  "v1 APIGroup",
  "v1 APIVersions",
  "v1 Status",
  "v1 WatchEvent",
  // Of parts that there are none of here: conversion webhooks, CSI drivers, allocation of addresses by objects, and what has long been out of use.
  "apiextensions.k8s.io/v1 ConversionReview",
  "networking.k8s.io/v1 IPAddress",
  "networking.k8s.io/v1 ServiceCIDR",
  "storage.k8s.io/v1 CSIDriver",
  "storage.k8s.io/v1 CSINode",
  "storage.k8s.io/v1 VolumeAttachment",
  "v1 ComponentStatus",
  "v1 PodStatusResult",
  "v1 RangeAllocation",
  "v1 SerializedReference",
];
