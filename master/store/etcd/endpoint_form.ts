/** `https://host:port` or `http://host:port`; without a port etcd's 2379. Scheme, host, port. Apart, so that the command line needs no gRPC to check its options. */
export const endpointForm = /^(https?):\/\/(\[[0-9a-fA-F:.]+\]|[^:/[\]]+)(?::(\d{1,5}))?\/?$/;
